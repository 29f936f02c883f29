#include "protocol/threads/objects.hpp"

#include "json/text.hpp"
#include "protocol/readers.hpp"
#include "protocol/threads/codec.hpp"
#include <corun/error.hpp>

#include <utility>

namespace corun::codec::threads {
namespace {

using json::by;
using json::decode_object;
using json::each_element;
using json::each_member;
using json::into;
using json::member;
using json::read_objects;

void read_tool_calls(json::value source, std::vector<tool_call>& out) {
    read_objects(source, "tool_calls", out, read_tool_call);
}

struct activity {
    std::string type;
    mcp_tool_list list;
};
constexpr member<activity> activity_members[] = {
    {"type", into<&activity::type>},
    {"id", [](json::value source, activity& out) { json::read(source, out.list.id); }},
    {"server_label", [](json::value source, activity& out) { json::read(source, out.list.server_label); }},
    {"tools", [](json::value source, activity& out) { read_listed_tools(source, out.list.tools); }},
};

void read_activities(json::value source, std::vector<mcp_tool_list>& out) {
    std::vector<activity> activities;
    read_objects(source, "activities", activities,
                 [](json::object members, activity& each) { read_members(members, activity_members, each); });
    out.clear();
    for (activity& each : activities)
        if (each.type == "mcp_list_tools") out.push_back(std::move(each.list));
}

constexpr member<run_step> message_creation_members[] = {
    {"message_id", into<&run_step::message_id>},
};
constexpr member<run_step> step_details_members[] = {
    {"type",
     [](json::value source, run_step& out) {
         if (out.type.empty()) json::read(source, out.type);
     }},
    {"message_creation",
     [](json::value source, run_step& out) { read_members_if(source, message_creation_members, out); }},
    {"tool_calls", by<read_tool_calls, &run_step::tool_calls>},
    {"activities", by<read_activities, &run_step::mcp_tools>},
};

constexpr member<text_annotation> citation_members[] = {
    {"file_id", into<&text_annotation::file_id>},
    {"quote", into<&text_annotation::quote>},
    {"url", into<&text_annotation::url>},
    {"title", into<&text_annotation::title>},
};
void read_citation(json::value source, text_annotation& out) {
    read_members_if(source, citation_members, out);
}
constexpr member<text_annotation> annotation_members[] = {
    {"type", into<&text_annotation::type>},
    {"text", into<&text_annotation::text>},
    {"start_index", into<&text_annotation::start_index>},
    {"end_index", into<&text_annotation::end_index>},
    {"url_citation", read_citation},
    {"file_citation", read_citation},
    {"file_path", read_citation},
};

void read_annotations(json::value source, std::vector<text_annotation>& out) {
    read_objects(source, "annotations", out,
                 [](json::object members, text_annotation& each) { threads::read(members, each); });
}

constexpr member<message_content> text_members[] = {
    {"value", into<&message_content::text>},
    {"annotations", by<read_annotations, &message_content::annotations>},
};
constexpr member<message_content> image_members[] = {
    {"file_id", into<&message_content::file_id>},
    {"url", into<&message_content::url>},
    {"detail", into<&message_content::detail>},
};
void read_content_image(json::value source, message_content& out) {
    read_members_if(source, image_members, out);
}
constexpr member<message_content> content_members[] = {
    {"type", into<&message_content::type>},
    {"text",
     [](json::value source, message_content& out) {
         out.text.clear();
         out.annotations.clear();
         if (json::string_inside(source)) return json::read(source, out.text);
         if (const auto members = json::object_in(source, "text")) read_members(*members, text_members, out);
     }},
    {"refusal", into<&message_content::text>},
    {"image_file", read_content_image},
    {"image_url", read_content_image},
};

void read_content(json::value source, std::vector<message_content>& out) {
    if (json::string_inside(source)) {
        out.clear();
        message_content& only = out.emplace_back();
        only.type = "text";
        return json::read(source, only.text);
    }
    read_objects(source, "content", out,
                 [](json::object members, message_content& each) { read_members(members, content_members, each); });
}

struct typed_object {
    std::string type, uri;
};
constexpr member<typed_object> typed_object_members[] = {
    {"type", into<&typed_object::type>},
    {"uri", into<&typed_object::uri>},
};

struct attachment_fields {
    std::string file_id;
    std::optional<vector_store_data_source> source;
    std::vector<typed_object> tools;
};
constexpr member<attachment_fields> attachment_members[] = {
    {"file_id", into<&attachment_fields::file_id>},
    {"data_source",
     [](json::value source, attachment_fields& out) {
         out.source.reset();
         const auto members = json::object_if(source);
         if (!members) return;
         typed_object asset;
         read_members(*members, typed_object_members, asset);
         out.source.emplace(std::move(asset.uri), std::move(asset.type));
     }},
    {"tools",
     [](json::value source, attachment_fields& out) { read_objects_if(source, typed_object_members, out.tools); }},
};

void read_attachments(json::value source, std::vector<attachment>& out) {
    std::vector<attachment_fields> all;
    read_objects_if(source, attachment_members, all);
    out.clear();
    for (attachment_fields& each : all) {
        attachment& added = out.emplace_back(std::move(each.file_id), std::vector<std::string>());
        added.data_source = std::move(each.source);
        for (typed_object& tool : each.tools) added.tools.push_back(std::move(tool.type));
    }
}

constexpr member<thread_run> run_members[] = {
    {"thread_id", into<&thread_run::thread_id>},
    {"assistant_id", into<&thread_run::agent_id>},
    {"status", read_run_status},
    {"model", into<&thread_run::model>},
    {"required_action", by<read_required_action, &thread_run::required_action>},
    {"last_error", by<read_last_error, &thread_run::last_error>},
    {"usage", by<read_usage, &thread_run::usage>},
    {"incomplete_details", by<read_incomplete_details, &thread_run::incomplete_reason>},
    {"metadata", into<&thread_run::metadata>},
    {"created_at", into<&thread_run::created_at>},
    {"started_at", into<&thread_run::started_at>},
    {"expires_at", into<&thread_run::expires_at>},
    {"completed_at", into<&thread_run::completed_at>},
    {"failed_at", into<&thread_run::failed_at>},
    {"cancelled_at", into<&thread_run::cancelled_at>},
};

/// Streams say expires_at, responses expired_at; where both are, one is null.
void read_step_expiry(json::value source, run_step& out) {
    if (!json::is_null(source)) json::read(source, out.expires_at);
}

constexpr member<run_step> step_members[] = {
    {"run_id", into<&run_step::run_id>},
    {"thread_id", into<&run_step::thread_id>},
    {"assistant_id", into<&run_step::agent_id>},
    {"type", into<&run_step::type>},
    {"status", into<&run_step::status>},
    {"step_details",
     [](json::value source, run_step& out) {
         if (const auto details = json::object_in(source, "step_details"))
             read_members(*details, step_details_members, out);
     }},
    {"last_error", by<read_last_error, &run_step::last_error>},
    {"usage", by<read_usage, &run_step::usage>},
    {"created_at", into<&run_step::created_at>},
    {"expires_at", read_step_expiry},
    {"expired_at", read_step_expiry},
    {"completed_at", into<&run_step::completed_at>},
    {"failed_at", into<&run_step::failed_at>},
    {"cancelled_at", into<&run_step::cancelled_at>},
};

constexpr member<thread_message> message_members[] = {
    {"thread_id", into<&thread_message::thread_id>},
    {"run_id", into<&thread_message::run_id>},
    {"assistant_id", into<&thread_message::agent_id>},
    {"role", into<&thread_message::role>},
    {"status", into<&thread_message::status>},
    {"incomplete_details", by<read_incomplete_details, &thread_message::incomplete_reason>},
    {"content", by<read_content, &thread_message::content>},
    {"attachments", by<read_attachments, &thread_message::attachments>},
    {"metadata", into<&thread_message::metadata>},
    {"created_at", into<&thread_message::created_at>},
    {"completed_at", into<&thread_message::completed_at>},
};

}  // namespace

void read(json::object source, thread_run& out) {
    read_identified(source, run_members, out);
}
void read(json::object source, run_step& out) {
    read_identified(source, step_members, out);
}
void read(json::object source, thread_message& out) {
    read_identified(source, message_members, out);
}
void read(json::object source, text_annotation& out) {
    read_members(source, annotation_members, out);
}

thread_message decode_message(std::string_view text) {
    return decode_object("message", text, message_members);
}
thread_run decode_run(std::string_view text) {
    return decode_object("run", text, run_members);
}
run_step decode_step(std::string_view text) {
    return decode_object("run step", text, step_members);
}

}  // namespace corun::codec::threads

#include "protocol/responses/codec.hpp"
#include "protocol/responses/reconcile.hpp"
#include <corun/error.hpp>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace corun;
using corun::reconcile::make_plan;
using corun::reconcile::response_input;
using corun::reconcile::response_plan;
using nlohmann::json;

prompt_mcp_tool server(const std::string& label) {
    return prompt_mcp_tool(label, "https://" + label + ".example/mcp");
}

/// A server whose Authorization comes from the structured input `token`.
prompt_mcp_tool templated(const std::string& label, const char* value = "Bearer {{token}}") {
    prompt_mcp_tool tool = server(label);
    tool.headers.set("Authorization", value);
    return tool;
}

prompt_mcp_tool connected(const std::string& label) {
    prompt_mcp_tool tool = server(label);
    tool.project_connection_id = "conn";
    return tool;
}

struct request {
    response_input value;

    explicit request(bool stored) {
        value.stored = stored;
        value.agent = prompt_agent_definition("gpt-4o");
        value.agent.name = "desk";
    }
    request& has(prompt_tool tool) {
        value.agent.tools.push_back(std::move(tool));
        return *this;
    }
    request& declares(const char* input) {
        value.agent.structured_inputs[input];
        return *this;
    }
    request& gives(const char* input, const char* text) {
        value.options.structured_inputs[input] = text;
        return *this;
    }
    request& with(std::string label, std::string name = "Authorization", std::string text = "Bearer fresh") {
        value.headers.set(std::move(label), std::move(name), std::move(text));
        return *this;
    }
    request& brings(tool added) {
        value.options.tools.push_back(std::move(added));
        return *this;
    }
    request& approves(std::string label, mcp_approval approval) {
        value.options.require_approval.insert_or_assign(std::move(label), std::move(approval));
        return *this;
    }
    request& allow(bool reconcile_policy::*way) {
        value.options.reconcile.*way = true;
        return *this;
    }
    request& change(const std::function<void(response_input&)>& by) {
        by(value);
        return *this;
    }
};

request stored() {
    return request(true);
}
request own() {
    return request(false);
}

/// The body that the plan leads to.
json body_of(const response_plan& plan) {
    codec::responses::response_request sent;
    if (plan.by_reference) sent.agent.emplace("desk");
    sent.definition = plan.definition;
    sent.structured_inputs = plan.structured_inputs;
    sent.options = plan.options;
    sent.messages.emplace_back("Hi");
    json body = json::parse(codec::responses::encode_response(sent).body.reveal());
    body.erase("input");
    body.erase("stream");
    if (body.contains("agent_reference")) body["agent_reference"] = body["agent_reference"]["name"];
    return body;
}

/// The rows of the table, and the body; or the error's sentence.
std::string outcome(const request& what) {
    try {
        const response_plan plan = make_plan(what.value);
        std::string rows;
        for (const reconcile_report::line& line : plan.report.lines()) {
            rows += std::to_string(line.row) + " ";
            // The report is to be shown.
            BOOST_TEST(line.text.find("fresh") == std::string::npos);
        }
        return rows + body_of(plan).dump();
    } catch (const error& e) {
        BOOST_TEST(e.details().message.find("fresh") == std::string::npos);
        return e.code().message();
    }
}

std::string sentence(errc code) {
    return make_error_code(code).message();
}

std::string message_of(const request& what) {
    try {
        make_plan(what.value);
    } catch (const error& e) {
        return e.details().message;
    }
    return "no error";
}

std::string expected(const char* rows, const char* body) {
    return std::string(rows) + " " + json::parse(body).dump();
}

std::string expected_with_inputs(const char* rows, const std::string& inputs) {
    return expected(rows, (R"({"agent_reference":"desk","structured_inputs":)" + inputs + "}").c_str());
}

void expect(const char* what_it_shows, const request& what, const std::string& wanted) {
    BOOST_TEST_CONTEXT(what_it_shows) BOOST_TEST(outcome(what) == wanted);
}

const char* const by_name = R"({"agent_reference":"desk"})";

}  // namespace

BOOST_AUTO_TEST_SUITE(reconcile_responses)

BOOST_AUTO_TEST_CASE(row_21_adds_nothing_unasked) {
    expect("a stored agent", stored().has(server("L")), expected("21", by_name));
    expect("a stored agent that declares inputs", stored().has(templated("L")).declares("token"),
           expected("21", by_name));
    expect("an own definition", own(), expected("21", R"({"model":"gpt-4o"})"));
    expect("the service's default approval", stored().has(server("L")).approves("L", mcp_approval::always()),
           expected("21", by_name));
    expect(
        "what the tool stores already", own().has(server("L")).approves("L", mcp_approval::by_tool({"a"}, {})),
        expected(
            "21",
            R"({"model":"gpt-4o","tools":[{"type":"mcp","server_label":"L","server_url":"https://L.example/mcp"}]})"));
}

BOOST_AUTO_TEST_CASE(row_22_puts_headers_on_the_tool_of_their_label) {
    expect("one server of two", own().has(server("L")).has(server("M")).with("M").with("M", "X-Tenant", "acme"),
           expected("22", R"({"model":"gpt-4o","tools":[
               {"type":"mcp","server_label":"L","server_url":"https://L.example/mcp"},
               {"type":"mcp","server_label":"M","server_url":"https://M.example/mcp",
                "headers":{"Authorization":"Bearer fresh","X-Tenant":"acme"}}]})"));
    expect("in place of the definition's", own().has(templated("L", "Bearer old")).with("L"),
           expected("22", R"({"model":"gpt-4o","tools":[{"type":"mcp","server_label":"L",
               "server_url":"https://L.example/mcp","headers":{"Authorization":"Bearer fresh"}}]})"));
}

BOOST_AUTO_TEST_CASE(row_22_gives_a_connector_its_token_and_no_header) {
    prompt_mcp_tool mail("mail", "");
    mail.connector_id = "connector_gmail";
    const std::string tool = R"({"type":"mcp","server_label":"mail","connector_id":"connector_gmail")";
    const auto body = [&tool](const std::string& more) {
        return expected("22", (R"({"model":"gpt-4o","tools":[)" + tool + more + "}]}").c_str());
    };
    expect("a bearer token", own().has(mail).with("mail"), body(R"(,"authorization":"fresh")"));
    expect("in any case", own().has(mail).with("mail", "authorization", "bearer fresh"),
           body(R"(,"authorization":"fresh")"));
    expect("another scheme", own().has(mail).with("mail", "Authorization", "Basic fresh"),
           body(R"(,"headers":{"Authorization":"Basic fresh"})"));
    expect("another header", own().has(mail).with("mail", "X-Key", "fresh"), body(R"(,"headers":{"X-Key":"fresh"})"));
    mail.authorization = "of the definition";
    expect("in place of the definition's", own().has(mail).with("mail"), body(R"(,"authorization":"fresh")"));
}

BOOST_AUTO_TEST_CASE(row_23_adds_the_run_s_tools_to_an_own_definition) {
    expect("a new server with headers, and a function",
           own().brings(mcp_tool("N", "https://n.example/mcp", {"a"})).brings(function_tool("f", "F", "{}")).with("N"),
           expected("23 22", R"({"model":"gpt-4o","tools":[
               {"type":"mcp","server_label":"N","server_url":"https://n.example/mcp","allowed_tools":["a"],
                "headers":{"Authorization":"Bearer fresh"}},
               {"type":"function","name":"f","description":"F","parameters":{}}]})"));
    expect(
        "one that it has", own().has(server("L")).brings(mcp_tool("L", "https://L.example/mcp")),
        expected(
            "23",
            R"({"model":"gpt-4o","tools":[{"type":"mcp","server_label":"L","server_url":"https://L.example/mcp"}]})"));
    expect(
        "a local function", own().change([](response_input& in) {
            in.options.functions.emplace_back("g", "G", "{}", [](const function_call&) { return ""; });
        }),
        expected("23",
                 R"({"model":"gpt-4o","tools":[{"type":"function","name":"g","description":"G","parameters":{}}]})"));
}

BOOST_AUTO_TEST_CASE(row_24_puts_approvals_on_the_tool) {
    expect("of one server", own().has(server("L")).has(server("M")).approves("L", mcp_approval::never()),
           expected("24", R"({"model":"gpt-4o","tools":[
               {"type":"mcp","server_label":"L","server_url":"https://L.example/mcp","require_approval":"never"},
               {"type":"mcp","server_label":"M","server_url":"https://M.example/mcp"}]})"));
    expect("of all, and with headers", own().has(server("L")).with("L").change([](response_input& in) {
        in.options.default_approval = mcp_approval::never();
    }),
           expected("22 24", R"({"model":"gpt-4o","tools":[{"type":"mcp","server_label":"L",
               "server_url":"https://L.example/mcp","headers":{"Authorization":"Bearer fresh"},"require_approval":"never"}]})"));
}

BOOST_AUTO_TEST_CASE(row_25_fills_structured_inputs_where_they_are_allowed) {
    const auto filled = [](const char* inputs) { return expected_with_inputs("25", inputs); };
    const auto allowed = [] { return stored().declares("token").allow(&reconcile_policy::structured_inputs); };
    expect("without what the template says", allowed().has(templated("L")).with("L"), filled(R"({"token":"fresh"})"));
    expect("the whole value", allowed().has(templated("L", "{{ token }}")).with("L"),
           filled(R"({"token":"Bearer fresh"})"));
    expect("without text on both sides",
           allowed().has(templated("L", "Token {{token}};v=1")).with("L", "Authorization", "Token abc;v=1"),
           filled(R"({"token":"abc"})"));
    expect("empty", allowed().has(templated("L", "a{{token}}b")).with("L", "Authorization", "ab"),
           filled(R"({"token":""})"));
    expect("quoted as JSON", allowed().has(templated("L", "{{token}}")).with("L", "Authorization", "a\"b\\c\td"),
           filled(R"({"token":"a\"b\\c\td"})"));
    expect("one input for two servers", allowed().has(templated("L")).has(templated("M")).with("L").with("M"),
           expected("25 25", R"({"agent_reference":"desk","structured_inputs":{"token":"fresh"}})"));
    const std::string refused = sentence(errc::mcp_headers_with_stored_agent);
    expect("not unasked", stored().declares("token").has(templated("L")).with("L"), refused);
    expect("not for a header without a template", allowed().has(templated("L")).with("L", "X-Tenant", "t"), refused);
    expect("not where the value does not fit", allowed().has(templated("L")).with("L", "Authorization", "Basic fresh"),
           refused);
    expect("not where the end does not fit",
           allowed().has(templated("L", "Token {{token}};v=1")).with("L", "Authorization", "Token abc;v=2"), refused);
    expect("not where the two sides overlap",
           allowed().has(templated("L", "aba{{token}}ba")).with("L", "Authorization", "aba"), refused);
    expect("not for an input that is not declared", allowed().has(templated("L", "{{other}}")).with("L"), refused);
    expect("not with two values",
           allowed().has(templated("L")).has(templated("M")).with("L").with("M", "Authorization", "Bearer 2"), refused);
    BOOST_TEST(message_of(stored().declares("token").has(templated("L")).with("L"))
                   .find("reconcile_policy::structured_inputs") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(values_of_a_run_s_own_for_structured_inputs) {
    expect("those that the agent declares", stored().declares("city").declares("days").gives("city", R"("Oslo")"),
           expected_with_inputs("21", R"({"city":"Oslo"})"));
    const auto with_token = [](const char* input, const char* value) {
        return stored()
            .declares("city")
            .declares("token")
            .has(templated("L"))
            .with("L")
            .gives(input, value)
            .allow(&reconcile_policy::structured_inputs);
    };
    expect("beside headers", with_token("city", R"({"name":"Oslo"})"),
           expected_with_inputs("25", R"({"city":{"name":"Oslo"},"token":"fresh"})"));
    expect("of a header's input, the same", with_token("token", R"("fresh")"),
           expected_with_inputs("25", R"({"token":"fresh"})"));
    expect("of a header's input, another", with_token("token", R"("other")"),
           sentence(errc::mcp_headers_with_stored_agent));
    expect("of a header's input, without headers", stored().declares("token").has(templated("L")).gives("token", "1"),
           expected_with_inputs("21", R"({"token":1})"));
    expect("with an agent of the application", own().gives("city", "1"),
           expected("21", R"({"model":"gpt-4o","structured_inputs":{"city":1}})"));
    const auto of_kind = [](const char* kind) {
        return stored().gives("city", "1").change([kind](response_input& in) { in.agent.kind = kind; });
    };
    expect("where it cannot be known", of_kind("hosted"), expected_with_inputs("21", R"({"city":1})"));
    expect("that the agent does not declare", of_kind("prompt"), sentence(errc::invalid_argument));
    expect("with a definition that needs them sent whole",
           stored()
               .declares("city")
               .gives("city", "1")
               .has(server("L"))
               .with("L")
               .allow(&reconcile_policy::inline_definition),
           sentence(errc::mcp_headers_with_stored_agent));
    BOOST_TEST(message_of(stored().declares("city").gives("ctiy", "1")).find("'ctiy'; the agent declares 'city'") !=
               std::string::npos);
    BOOST_TEST(message_of(stored().gives("city", "1")).find("declares none") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(row_26_leaves_headers_to_a_connection) {
    expect("where it is allowed", stored().has(connected("L")).with("L").allow(&reconcile_policy::project_connection),
           expected("26", by_name));
    expect("not unasked", stored().has(connected("L")).with("L"), sentence(errc::mcp_headers_with_stored_agent));
    expect("not without a connection", stored().has(server("L")).with("L").allow(&reconcile_policy::project_connection),
           sentence(errc::mcp_headers_with_stored_agent));
    BOOST_TEST(message_of(stored().has(connected("L")).with("L")).find("reconcile_policy::project_connection") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(row_27_sends_the_stored_definition_whole) {
    const auto allowed = [] { return stored().allow(&reconcile_policy::inline_definition); };
    expect("for headers", allowed().has(server("L")).with("L"),
           expected("27 22", R"({"model":"gpt-4o","tools":[{"type":"mcp","server_label":"L",
               "server_url":"https://L.example/mcp","headers":{"Authorization":"Bearer fresh"}}]})"));
    expect("for new tools", allowed().has(server("L")).brings(function_tool("f", "", "{}")),
           expected("27 23", R"({"model":"gpt-4o","tools":[{"type":"mcp","server_label":"L",
               "server_url":"https://L.example/mcp"},{"type":"function","name":"f","parameters":{}}]})"));
    expect("for approvals", allowed().has(server("L")).approves("L", mcp_approval::never()),
           expected("27 24", R"({"model":"gpt-4o","tools":[{"type":"mcp","server_label":"L",
               "server_url":"https://L.example/mcp","require_approval":"never"}]})"));
    expect("for options", allowed().change([](response_input& in) { in.options.temperature = 0; }),
           expected("27", R"({"model":"gpt-4o","temperature":0.0})"));
    expect("rather than leaving them out",
           allowed().allow(&reconcile_policy::drop_not_allowed).change([](response_input& in) {
               in.options.temperature = 0;
           }),
           expected("27", R"({"model":"gpt-4o","temperature":0.0})"));
    expect("not where a connection serves",
           allowed().allow(&reconcile_policy::project_connection).has(connected("L")).with("L"),
           expected("26", by_name));
    expect("not when nothing needs it", allowed().has(server("L")), expected("21", by_name));
    expect("not when it declares inputs", allowed().has(server("L")).declares("x").with("L"),
           sentence(errc::mcp_headers_with_stored_agent));
    expect("not when it is of another kind", allowed().change([](response_input& in) {
        in.agent.kind = "hosted";
        in.options.temperature = 0;
    }),
           sentence(errc::not_allowed_with_agent));
}

BOOST_AUTO_TEST_CASE(row_28_refuses_headers_for_a_stored_agent) {
    expect("with no way allowed", stored().has(server("L")).with("L"), sentence(errc::mcp_headers_with_stored_agent));
    const std::string why = message_of(stored().has(server("L")).with("L"));
    BOOST_TEST(why.find("'L'") != std::string::npos);
    BOOST_TEST(why.find("inline_definition") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(row_29_leaves_out_tools_that_the_stored_agent_has) {
    expect("servers and functions",
           stored()
               .has(server("L"))
               .has(function_tool("f", "F", "{}"))
               .brings(mcp_tool("L", "https://L.example/mcp"))
               .brings(function_tool("f", "G", "{}")),
           expected("29 29", by_name));
    expect("others by their type",
           stored()
               .has(json_tool("web_search", R"({"type":"web_search"})"))
               .brings(json_tool("web_search", R"({"type":"web_search"})")),
           expected("29", by_name));
}

BOOST_AUTO_TEST_CASE(row_30_refuses_new_tools_and_approvals_for_a_stored_agent) {
    const std::string refused = sentence(errc::not_allowed_with_agent);
    expect("a function", stored().brings(function_tool("f", "", "{}")), refused);
    expect("a server", stored().brings(mcp_tool("N", "https://n.example/mcp")), refused);
    expect("a server with headers", stored().brings(mcp_tool("N", "https://n.example/mcp")).with("N"), refused);
    expect("an approval", stored().has(server("L")).approves("L", mcp_approval::never()), refused);
    expect("dropping is for options",
           stored().brings(function_tool("f", "", "{}")).allow(&reconcile_policy::drop_not_allowed), refused);
    BOOST_TEST(message_of(stored().brings(function_tool("f", "", "{}"))).find("function 'f'") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(row_31_refuses_or_leaves_out_options_for_the_agent_to_say) {
    const auto asked = [](response_input& in) {
        in.options.model = "m";
        in.options.temperature = 0;
    };
    expect("refused", stored().change(asked), sentence(errc::not_allowed_with_agent));
    expect("left out", stored().change(asked).allow(&reconcile_policy::drop_not_allowed), expected("31", by_name));
    BOOST_TEST(message_of(stored().change(asked)).find("run_options::model, temperature") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(row_32_says_the_same_with_fresh_headers_in_each_round) {
    request round = own().has(server("L")).with("L");
    const std::string first = outcome(round);
    round.with("L", "Authorization", "Bearer fresher");
    const std::string second = outcome(round);
    BOOST_TEST(first.find("Bearer fresh\"") != std::string::npos);
    BOOST_TEST(second.find("Bearer fresher\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(refuses_what_every_protocol_refuses) {
    expect("unknown label", own().has(server("L")).with("X"), sentence(errc::unknown_server_label));
    expect("unknown label in approvals", own().has(server("L")).approves("X", mcp_approval::never()),
           sentence(errc::unknown_server_label));
    expect("empty label", own().with(""), sentence(errc::invalid_server_label));
    expect("bad header", own().has(server("L")).with("L", "a b"), sentence(errc::invalid_header));
    expect("another URL", stored().has(server("L")).brings(mcp_tool("L", "https://other.example")),
           sentence(errc::conflicting_tool_definition));
    expect("other allowed tools", own().has(server("L")).brings(mcp_tool("L", "https://L.example/mcp", {"a"})),
           sentence(errc::conflicting_tool_definition));
    expect("two of a label", own().has(server("L")).has(server("L")), sentence(errc::duplicate_server_label));
    expect("one function twice", own().brings(function_tool("f", "", "{}")).brings(function_tool("f", "", "{}")),
           sentence(errc::invalid_argument));
    expect("plain http", own().has(prompt_mcp_tool("L", "http://l.example/mcp")).with("L"),
           sentence(errc::insecure_endpoint));
    expect("plain http, as an input",
           stored()
               .declares("token")
               .allow(&reconcile_policy::structured_inputs)
               .change([](response_input& in) {
                   prompt_mcp_tool tool = templated("L");
                   tool.server_url = "http://l.example/mcp";
                   in.agent.tools.emplace_back(tool);
               })
               .with("L"),
           sentence(errc::insecure_endpoint));
    expect("plain http to a new server of a stored agent",
           stored().brings(mcp_tool("N", "http://n.example")).with("N").allow(&reconcile_policy::inline_definition),
           sentence(errc::insecure_endpoint));
    expect(
        "a server that the service knows by itself",
        own()
            .change([](response_input& in) {
                prompt_mcp_tool tool("L", "");
                tool.extra_json = R"({"connector_id":"connector_x"})";
                in.agent.tools.emplace_back(tool);
            })
            .with("L"),
        expected(
            "22",
            R"({"model":"gpt-4o","tools":[{"type":"mcp","server_label":"L","headers":{"Authorization":"Bearer fresh"},"connector_id":"connector_x"}]})"));
}

BOOST_AUTO_TEST_CASE(stores_no_credentials) {
    const auto refused = [](prompt_tool tool) {
        prompt_agent_definition agent("m");
        agent.tools.push_back(std::move(tool));
        try {
            reconcile::validate(agent);
        } catch (const error& e) {
            BOOST_TEST(e.details().message.find("hunter2") == std::string::npos);
            return e.code() == errc::invalid_argument;
        }
        return false;
    };
    BOOST_TEST(refused(templated("L", "Bearer hunter2")));
    BOOST_TEST(!refused(templated("L")));
    BOOST_TEST(!refused(server("L")));
    prompt_mcp_tool plain = server("L");
    plain.authorization = "hunter2";
    BOOST_TEST(refused(plain));
    plain.authorization = "{{token}}";
    BOOST_TEST(!refused(plain));
    plain.headers.set("X-Region", "eu");
    BOOST_TEST(!refused(plain));
    BOOST_TEST(refused(json_tool("mcp", R"({"type":"mcp"})")));
}

BOOST_AUTO_TEST_SUITE_END()

#include "emulator/faults.hpp"

#include "emulator/json.hpp"
#include "emulator/model.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace corun::emulator {

fault fault::respond(int status, json_text body, header_fields fields) {
    fault one(kind::respond);
    one.status_ = status;
    one.body_ = std::move(body).text();
    one.fields_ = std::move(fields);
    return one;
}
fault fault::drop() {
    return fault(kind::drop);
}
fault fault::delay(std::chrono::milliseconds duration) {
    fault one(kind::delay);
    one.count_ = static_cast<std::size_t>(std::max<std::chrono::milliseconds::rep>(duration.count(), 0));
    return one;
}
fault fault::cut() {
    return fault(kind::cut);
}
fault fault::reset() {
    return fault(kind::reset);
}
fault fault::stall() {
    return fault(kind::stall);
}
fault fault::insert(std::string bytes) {
    fault one(kind::insert);
    one.body_ = std::move(bytes);
    return one;
}
fault fault::omit(std::string event) {
    return fault(kind::omit).before(std::move(event));
}
fault fault::repeat(std::string event) {
    return fault(kind::repeat).before(std::move(event));
}
fault fault::rewrite(std::function<std::string(const std::string&, std::string)> function) {
    fault one(kind::rewrite);
    one.function_ = std::move(function);
    return one;
}
fault fault::crlf() {
    return rewrite([](const std::string&, std::string frame) { return replace_all(std::move(frame), "\n", "\r\n"); });
}
fault fault::split(std::size_t bytes) {
    fault one(kind::split);
    one.count_ = std::max<std::size_t>(bytes, 1);
    return one;
}

fault& fault::on(std::string method, std::string path) {
    method_ = std::move(method);
    path_ = std::move(path);
    return *this;
}
fault& fault::times(std::size_t count) {
    times_ = count;
    return *this;
}
fault& fault::at(place where, std::size_t count, std::string event) {
    place_ = where;
    count_ = count;
    event_ = std::move(event);
    return *this;
}
fault& fault::after_bytes(std::size_t count) {
    return at(place::bytes, count, event_);
}
fault& fault::after_events(std::size_t count) {
    return at(place::events, count, event_);
}
fault& fault::every_events(std::size_t count) {
    return at(place::every, std::max<std::size_t>(count, 1), event_);
}
fault& fault::before(std::string event) {
    return at(place::before, count_, std::move(event));
}
fault& fault::after(std::string event) {
    return at(place::after, count_, std::move(event));
}

namespace {

fault respond_with(const json& status, const json& form) {
    header_fields fields;
    const json& headers = get(form, "headers");
    for (const auto& [name, value] : headers.items()) fields.emplace_back(name, value.get<std::string>());
    return fault::respond(status.get<int>(), get_string(form, "body"), std::move(fields));
}

/// The faults as JSON: the member that names one, and its value.
constexpr struct {
    const char* name;
    fault (*make)(const json& value, const json& form);
} fault_forms[] = {
    {"respond", respond_with},
    {"drop", [](const json&, const json&) { return fault::drop(); }},
    {"delay", [](const json& ms, const json&) { return fault::delay(std::chrono::milliseconds(ms.get<int>())); }},
    {"cut", [](const json&, const json&) { return fault::cut(); }},
    {"reset", [](const json&, const json&) { return fault::reset(); }},
    {"stall", [](const json&, const json&) { return fault::stall(); }},
    {"crlf", [](const json&, const json&) { return fault::crlf(); }},
    {"insert", [](const json& bytes, const json&) { return fault::insert(bytes.get<std::string>()); }},
    {"omit", [](const json& event, const json&) { return fault::omit(event.get<std::string>()); }},
    {"repeat", [](const json& event, const json&) { return fault::repeat(event.get<std::string>()); }},
    {"split", [](const json& bytes, const json&) { return fault::split(bytes.get<std::size_t>()); }},
};

void apply_to_request(fault& fault, const json& value) {
    const auto request = value.get<std::string>();
    const auto blank = request.find(' ');
    if (blank == std::string::npos) throw std::invalid_argument("faults: no method and path: " + request);
    fault.on(request.substr(0, blank), request.substr(blank + 1));
}

/// The members that say when and where a fault applies.
constexpr struct {
    const char* name;
    void (*apply)(fault& fault, const json& value);
} condition_forms[] = {
    {"on", apply_to_request},
    {"times", [](fault& f, const json& n) { f.times(n == "always" ? fault::always : n.get<std::size_t>()); }},
    {"after_bytes", [](fault& f, const json& count) { f.after_bytes(count.get<std::size_t>()); }},
    {"after_events", [](fault& f, const json& count) { f.after_events(count.get<std::size_t>()); }},
    {"every_events", [](fault& f, const json& count) { f.every_events(count.get<std::size_t>()); }},
    {"before", [](fault& f, const json& event) { f.before(event.get<std::string>()); }},
    {"after", [](fault& f, const json& event) { f.after(event.get<std::string>()); }},
};

fault fault_of(const json& form) {
    std::optional<fault> made;
    for (const auto& [name, make] : fault_forms)
        if (form.contains(name)) made.emplace(make(form[name], form));
    if (!made) throw std::invalid_argument("faults: unknown fault " + text_of(form));
    for (const auto& [name, apply] : condition_forms)
        if (form.contains(name)) apply(*made, form[name]);
    return std::move(*made);
}

}  // namespace

std::vector<fault> faults_of(std::string_view text) {
    const json forms = json::parse(text, nullptr, false);
    if (!forms.is_array()) throw std::invalid_argument("faults: not a JSON array");
    std::vector<fault> faults;
    try {
        for (const auto& form : forms) faults.push_back(fault_of(form));
    } catch (const json::exception& problem) {
        throw std::invalid_argument(std::string("faults: ") + problem.what());
    }
    return faults;
}

bool fault_access::matches(const fault& f, std::string_view method, std::string_view path) {
    if (!f.method_.empty() && f.method_ != method) return false;
    if (f.path_.empty()) return true;
    std::string_view pattern = f.path_;
    while (true) {
        const auto segment = pattern.substr(0, pattern.find('/'));
        const auto actual = path.substr(0, path.find('/'));
        if (segment != "*" && segment != actual) return false;
        if (segment.size() == pattern.size() || actual.size() == path.size())
            return segment.size() == pattern.size() && actual.size() == path.size();
        pattern.remove_prefix(segment.size() + 1);
        path.remove_prefix(actual.size() + 1);
    }
}

std::optional<fault> fault_list::take_answer(std::string_view method, std::string_view path) {
    for (auto i = waiting_.begin(); i != waiting_.end(); ++i) {
        if (!fault_access::is_answer(*i) || !fault_access::matches(*i, method, path)) continue;
        fault found = *i;
        if (!fault_access::use(*i)) waiting_.erase(i);
        return found;
    }
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> fault_list::take_delay(std::string_view method, std::string_view path) {
    for (auto i = waiting_.begin(); i != waiting_.end(); ++i) {
        if (fault_access::kind(*i) != fault::kind::delay || !fault_access::matches(*i, method, path)) continue;
        const std::chrono::milliseconds duration(fault_access::count(*i));
        if (!fault_access::use(*i)) waiting_.erase(i);
        return duration;
    }
    return std::nullopt;
}

std::vector<fault> fault_list::take_stream(std::string_view method, std::string_view path) {
    std::vector<fault> found;
    for (auto i = waiting_.begin(); i != waiting_.end();) {
        if (!fault_access::in_stream(*i) || !fault_access::matches(*i, method, path)) {
            ++i;
            continue;
        }
        found.push_back(*i);
        i = fault_access::use(*i) ? std::next(i) : waiting_.erase(i);
    }
    return found;
}

stream_faults::stream_faults(std::vector<fault> faults) {
    for (auto& one : faults) {
        if (fault_access::kind(one) == fault::kind::split)
            piece_ = std::min(piece_, fault_access::count(one));
        else
            active_.emplace_back(std::move(one));
    }
}

std::string stream_faults::changed(const std::string& event, std::string frame) const {
    for (const auto& one : active_) {
        const bool is_named = fault_access::event(one.fault) == event;
        switch (fault_access::kind(one.fault)) {
            case fault::kind::omit:
                if (is_named) frame.clear();
                break;
            case fault::kind::repeat:
                if (is_named) frame += std::string(frame);
                break;
            case fault::kind::rewrite:
                frame = fault_access::rewrite(one.fault, event, std::move(frame));
                break;
            default:
                break;
        }
    }
    return frame;
}

std::optional<std::size_t> stream_faults::position_of(const active& one, const std::string& event,
                                                      std::size_t size) const {
    using place = fault_access::place;
    const auto when = [](bool applies, std::size_t at) { return applies ? std::optional(at) : std::nullopt; };
    const fault::kind kind = fault_access::kind(one.fault);
    if (one.done || kind == fault::kind::omit || kind == fault::kind::repeat || kind == fault::kind::rewrite)
        return std::nullopt;
    const std::size_t count = fault_access::count(one.fault);
    const bool is_named = fault_access::event(one.fault) == event;
    switch (fault_access::where(one.fault)) {
        case place::bytes:
            return when(count < bytes_ + size, count - bytes_);
        case place::events:
            return when(events_ == count, 0);
        case place::every:
            return when(events_ != 0 && events_ % count == 0, 0);
        case place::before:
            return when(is_named, 0);
        case place::after:
            return when(is_named, size);
        default:
            return 0;
    }
}

stream_faults::end stream_faults::pass(const std::string& event, std::string frame, std::string& out) {
    using place = fault_access::place;
    frame = changed(event, std::move(frame));

    std::multimap<std::size_t, const fault*> hits;
    for (auto& one : active_) {
        const auto at = position_of(one, event, frame.size());
        if (!at) continue;
        const auto where = fault_access::where(one.fault);
        one.done = where != place::every && where != place::before && where != place::after;
        hits.emplace(*at, &one.fault);
    }
    ++events_;
    bytes_ += frame.size();

    std::size_t sent = 0;
    for (const auto& [at, by] : hits) {
        out.append(frame, sent, at - sent);
        sent = at;
        if (const end how = end_of(fault_access::kind(*by)); how != end::none) return how;
        out += fault_access::body(*by);
    }
    out.append(frame, sent);
    return end::none;
}

stream_faults::end stream_faults::end_of(fault::kind kind) {
    switch (kind) {
        case fault::kind::cut:
            return end::cut;
        case fault::kind::reset:
            return end::reset;
        case fault::kind::stall:
            return end::stall;
        default:
            return end::none;
    }
}

}  // namespace corun::emulator

#include "emulator/faults.hpp"

#include "emulator/json.hpp"

#include <algorithm>
#include <stdexcept>

namespace corun::emulator {

fault fault::respond(int status, std::string body, header_fields fields) {
    fault one(kind::respond);
    one.status_ = status;
    one.body_ = std::move(body);
    one.fields_ = std::move(fields);
    return one;
}
fault fault::drop() {
    return fault(kind::drop);
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
    fault one(kind::omit);
    one.before(std::move(event));
    return one;
}
fault fault::repeat(std::string event) {
    fault one(kind::repeat);
    one.before(std::move(event));
    return one;
}
fault fault::rewrite(std::function<std::string(const std::string&, std::string)> function) {
    fault one(kind::rewrite);
    one.function_ = std::move(function);
    return one;
}
fault fault::crlf() {
    return rewrite([](const std::string&, std::string frame) {
        std::string lines;
        for (const char c : frame) {
            if (c == '\n') lines += '\r';
            lines += c;
        }
        return lines;
    });
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
fault& fault::after_bytes(std::size_t count) {
    place_ = place::bytes;
    count_ = count;
    return *this;
}
fault& fault::after_events(std::size_t count) {
    place_ = place::events;
    count_ = count;
    return *this;
}
fault& fault::every_events(std::size_t count) {
    place_ = place::every;
    count_ = std::max<std::size_t>(count, 1);
    return *this;
}
fault& fault::before(std::string event) {
    place_ = place::before;
    event_ = std::move(event);
    return *this;
}
fault& fault::after(std::string event) {
    place_ = place::after;
    event_ = std::move(event);
    return *this;
}

namespace {

/// The value of the one member that says what a fault does, or where.
template <class Make>
bool read(const json& from, const char* name, Make make) {
    const auto found = from.find(name);
    if (found != from.end()) make(*found);
    return found != from.end();
}

fault fault_of(const json& from) {
    std::optional<fault> made;
    const auto is = [&](const char* name, auto make) {
        read(from, name, [&](const json& value) { made.emplace(make(value)); });
    };
    is("respond", [&](const json& status) {
        header_fields fields;
        const json& headers = get(from, "headers");
        for (const auto& [name, value] : headers.items()) fields.emplace_back(name, value.get<std::string>());
        return fault::respond(status.get<int>(), get_string(from, "body"), std::move(fields));
    });
    is("drop", [](const json&) { return fault::drop(); });
    is("cut", [](const json&) { return fault::cut(); });
    is("reset", [](const json&) { return fault::reset(); });
    is("stall", [](const json&) { return fault::stall(); });
    is("crlf", [](const json&) { return fault::crlf(); });
    is("insert", [](const json& bytes) { return fault::insert(bytes.get<std::string>()); });
    is("omit", [](const json& event) { return fault::omit(event.get<std::string>()); });
    is("repeat", [](const json& event) { return fault::repeat(event.get<std::string>()); });
    is("split", [](const json& bytes) { return fault::split(bytes.get<std::size_t>()); });
    if (!made) throw std::invalid_argument("faults: unknown fault " + text_of(from));

    read(from, "on", [&](const json& value) {
        const auto request = value.get<std::string>();
        const auto blank = request.find(' ');
        if (blank == std::string::npos) throw std::invalid_argument("faults: no method and path: " + request);
        made->on(request.substr(0, blank), request.substr(blank + 1));
    });
    read(from, "times",
         [&](const json& count) { made->times(count == "always" ? fault::always : count.get<std::size_t>()); });
    read(from, "after_bytes", [&](const json& count) { made->after_bytes(count.get<std::size_t>()); });
    read(from, "after_events", [&](const json& count) { made->after_events(count.get<std::size_t>()); });
    read(from, "every_events", [&](const json& count) { made->every_events(count.get<std::size_t>()); });
    read(from, "before", [&](const json& event) { made->before(event.get<std::string>()); });
    read(from, "after", [&](const json& event) { made->after(event.get<std::string>()); });
    return std::move(*made);
}

}  // namespace

std::vector<fault> faults_of(std::string_view text) {
    const json given = json::parse(text, nullptr, false);
    if (!given.is_array()) throw std::invalid_argument("faults: not a JSON array");
    std::vector<fault> faults;
    try {
        for (const auto& one : given) faults.push_back(fault_of(one));
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
        if (fault_access::in_stream(*i) || !fault_access::matches(*i, method, path)) continue;
        fault found = *i;
        if (!fault_access::use(*i)) waiting_.erase(i);
        return found;
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

stream_faults::end stream_faults::pass(const std::string& event, std::string frame, std::string& out) {
    using kind = fault::kind;
    using place = fault_access::place;
    const auto end_of = [](kind what) {
        return what == kind::cut     ? end::cut
               : what == kind::reset ? end::reset
               : what == kind::stall ? end::stall
                                     : end::none;
    };

    // What changes the frame itself.
    for (const auto& one : active_) {
        const bool named = fault_access::event(one.what) == event;
        switch (fault_access::kind(one.what)) {
            case kind::omit:
                if (named) frame.clear();
                break;
            case kind::repeat:
                if (named) frame += std::string(frame);
                break;
            case kind::rewrite:
                frame = fault_access::rewrite(one.what, event, std::move(frame));
                break;
            default:
                break;
        }
    }

    // What stands around or inside it: positions in the frame, as the stream would be without faults.
    struct hit {
        std::size_t at;
        active* by;
    };
    std::vector<hit> hits;
    for (auto& one : active_) {
        const kind what = fault_access::kind(one.what);
        if (one.done || what == kind::omit || what == kind::repeat || what == kind::rewrite) continue;
        const std::size_t count = fault_access::count(one.what);
        std::optional<std::size_t> at;
        switch (fault_access::where(one.what)) {
            case place::start:
                at = 0;
                break;
            case place::bytes:
                if (count < bytes_ + frame.size()) at = count - bytes_;
                break;
            case place::events:
                if (events_ == count) at = 0;
                break;
            case place::every:
                if (events_ != 0 && events_ % count == 0) at = 0;
                break;
            case place::before:
                if (fault_access::event(one.what) == event) at = 0;
                break;
            case place::after:
                if (fault_access::event(one.what) == event) at = frame.size();
                break;
        }
        if (!at) continue;
        const auto where = fault_access::where(one.what);
        one.done = where != place::every && where != place::before && where != place::after;
        hits.push_back({*at, &one});
    }
    ++events_;
    bytes_ += frame.size();

    std::stable_sort(hits.begin(), hits.end(), [](const hit& a, const hit& b) { return a.at < b.at; });
    std::size_t sent = 0;
    for (const auto& [at, by] : hits) {
        out.append(frame, sent, at - sent);
        sent = at;
        if (const end how = end_of(fault_access::kind(by->what)); how != end::none) return how;
        out += fault_access::body(by->what);
    }
    out.append(frame, sent);
    return end::none;
}

}  // namespace corun::emulator

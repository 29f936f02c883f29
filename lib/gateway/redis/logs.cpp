#include "gateway/redis/logs.hpp"

#include "gateway/json.hpp"

#include <stdexcept>
#include <utility>

namespace corun::gateway::redis {
namespace {

using namespace std::chrono_literals;

/// How many writes a read gets at once.
constexpr const char* page_size = "64";
/// The field of the only entry of a log that was removed. Its id is the greatest: Redis refuses every other one.
constexpr const char* removed_mark = "removed";
constexpr const char* greatest_id = "18446744073709551615-0";

json described(const run_record& record) {
    return {{"user", record.user}, {"conversation", record.conversation}, {"started_at", record.started_at}};
}

run_record record_of(std::string_view text) {
    const json source = json::parse(text, nullptr, false);
    run_record record;
    record.user = string_member(source, "user");
    record.conversation = string_member(source, "conversation");
    if (member(source, "started_at").is_number_integer()) record.started_at = member(source, "started_at");
    return record;
}

/// One entry of a stream: an id, and fields with their values.
void add_to(stored_log& log, const reply& source) {
    if (source.elements.size() != 2) throw std::runtime_error("a log is malformed");
    const auto id = entry_id::parse(source.elements[0].text);
    if (!id) throw std::runtime_error("a log is malformed");
    log_batch batch;
    batch.id = *id;
    const auto& fields = source.elements[1].elements;
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        const std::string& name = fields[i].text;
        const std::string& value = fields[i + 1].text;
        if (name == "writer") batch.writer = value;
        if (name == "entries") batch.entries = decode_entries(value);
        if (name == "position") batch.after.position = value;
        if (name == "memory" || name == "changes") batch.after.changes = memory::parse(value, nullptr, false);
        if (name == "memory") batch.is_fresh = true;
        if (name == "record") log.record = record_of(value);
        if (name == "question") log.question = value;
        if (name == removed_mark) log.is_removed = true;
    }
    log.batches.push_back(std::move(batch));
}

}  // namespace

asio::awaitable<void> logs::create(std::string run, run_record record, entry_id id, std::string question) {
    std::vector<command_line> commands;
    commands.push_back(line("SADD", key("runs", gateway_), run));
    commands.push_back(line("XADD", key("log", run), id.text(), "writer", gateway_, "record",
                            text_of(described(record)), "question", std::move(question)));
    const std::vector<reply> replies = co_await commands_.call(std::move(commands));
    for (const reply& each : replies) accepted(each);
}

asio::awaitable<bool> logs::append(std::string run, log_batch batch) {
    // A log that has been forgotten is not begun again in the middle.
    command_line add = line("XADD", key("log", run), "NOMKSTREAM", batch.id.text(), "writer", gateway_);
    const auto put = [&add](const char* name, std::string value) {
        add.emplace_back(name);
        add.push_back(std::move(value));
    };
    if (!batch.entries.empty()) put("entries", encode(batch.entries));
    if (!batch.after.position.empty()) put("position", batch.after.position);
    if (!batch.after.question.empty()) put("question", batch.after.question);
    const memory& changes = batch.after.changes;
    if (!changes.is_null())
        put(batch.is_fresh ? "memory" : "changes", changes.dump(-1, ' ', false, memory::error_handler_t::replace));
    std::vector<command_line> commands;
    commands.push_back(std::move(add));
    commands.push_back(line("PUBLISH", key("bell", run), batch.id.text()));
    const std::vector<reply> replies = co_await commands_.call(std::move(commands));
    const reply& added = replies[0];
    if (added.is_null()) co_return false;
    if (added.is_error() && added.text.find("equal or smaller") != std::string::npos) co_return false;
    accepted(added);
    co_return true;
}

asio::awaitable<bool> logs::begin_epoch(std::string run, entry_id last) {
    // In one step: a gateway that was taken for dead may write at any time, and ids of a new epoch are always greater.
    constexpr const char* if_last = R"(
        local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
        if not last or last[1] ~= ARGV[1] then return false end
        redis.call('XADD', KEYS[1], ARGV[2], 'writer', ARGV[3])
        redis.call('PUBLISH', KEYS[2], ARGV[2])
        return 1)";
    const entry_id mark{last.epoch + 1, last.number};
    const reply begun = co_await commands_.ask(
        line("EVAL", if_last, "2", key("log", run), key("bell", run), last.text(), mark.text(), gateway_));
    co_return !accepted(begun).is_null();
}

asio::awaitable<std::optional<log_batch>> logs::last(std::string run) {
    const reply found = co_await commands_.ask(line("XREVRANGE", key("log", run), "+", "-", "COUNT", "1"));
    if (accepted(found).elements.empty()) co_return std::nullopt;
    stored_log log;
    add_to(log, found.elements.front());
    co_return std::move(log.batches.front());
}

asio::awaitable<stored_log> logs::read(std::string run, entry_id after) {
    stored_log log;
    std::string from = after == entry_id::before_all() ? "-" : "(" + after.text();
    while (true) {
        const reply page = co_await commands_.ask(line("XRANGE", key("log", run), from, "+", "COUNT", page_size));
        if (accepted(page).elements.empty()) co_return log;
        for (const reply& each : page.elements) add_to(log, each);
        from = "(" + log.batches.back().id.text();
    }
}

asio::awaitable<void> logs::finish(std::string run, std::chrono::milliseconds keep) {
    std::vector<command_line> commands;
    if (keep.count() > 0) commands.push_back(line("PEXPIRE", key("log", run), in_milliseconds(keep)));
    commands.push_back(line("SREM", key("runs", gateway_), run));
    const std::vector<reply> replies = co_await commands_.call(std::move(commands));
    for (const reply& each : replies) accepted(each);
}

asio::awaitable<void> logs::remove(std::string run, std::chrono::milliseconds keep) {
    // In one step: between the two, a gateway that takes the log for lost would begin it again.
    constexpr const char* replace = R"(
        redis.call('DEL', KEYS[1])
        redis.call('XADD', KEYS[1], ARGV[1], ARGV[2], '1')
        if ARGV[3] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
        redis.call('PUBLISH', KEYS[2], ARGV[1])
        return 1)";
    // Gateways forget a run a little later than its time.
    const std::string time = keep.count() > 0 ? in_milliseconds(keep + 1min) : "0";
    const reply replaced = co_await commands_.ask(
        line("EVAL", replace, "2", key("log", run), key("bell", run), greatest_id, removed_mark, time));
    accepted(replaced);
}

asio::awaitable<bool> logs::is_removed(std::string run) {
    const reply found = co_await commands_.ask(line("XRANGE", key("log", run), greatest_id, "+"));
    co_return !accepted(found).elements.empty();
}

asio::awaitable<void> logs::claim(std::string run) {
    const reply added = co_await commands_.ask(line("SADD", key("runs", gateway_), run));
    accepted(added);
}

asio::awaitable<void> logs::release(std::string run, std::string gateway) {
    const reply removed = co_await commands_.ask(line("SREM", key("runs", gateway), run));
    accepted(removed);
}

}  // namespace corun::gateway::redis

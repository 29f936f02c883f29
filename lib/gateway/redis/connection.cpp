#include "gateway/redis/connection.hpp"

#include <asio/error.hpp>

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <utility>

namespace corun::gateway::redis {

const reply& accepted(const reply& response) {
    if (response.is_error()) throw unavailable(std::make_error_code(std::errc::io_error), "Redis: " + response.text);
    return response;
}

std::string key_of(std::string_view prefix, std::string_view kind, std::string_view name) {
    std::string key(prefix);
    key.append(":").append(kind);
    if (!name.empty()) key.append(":").append(name);
    return key;
}

std::string in_milliseconds(std::chrono::milliseconds time) {
    return std::to_string(std::max<std::int64_t>(time.count(), 1));
}

connection::connection(asio::any_io_executor executor, address where, std::function<void()> opened)
    : executor_(executor), changed_(executor) {
    link::events on;
    on.opened = [this, opened = std::move(opened)] {
        opened();
        changed_.notify();
    };
    on.failed = [this] { changed_.notify(); };
    on.arrived = [this](reply next) { take(std::move(next)); };
    on.lost = [this] { lose(); };
    link_ = std::make_shared<link>(std::move(executor), std::move(where), std::move(on));
    link_->start();
}

connection::~connection() {
    stop();
}

asio::awaitable<std::vector<reply>> connection::call(std::vector<command_line> commands) {
    if (!link_->is_open()) throw unavailable(asio::error::not_connected, "Redis");
    const auto own = send(commands);
    while (own->replies.size() < own->expected && !own->lost) co_await own->done.wait();
    if (own->lost) throw unavailable(asio::error::connection_reset, "Redis");
    co_return std::move(own->replies);
}

asio::awaitable<reply> connection::ask(command_line one) {
    std::vector<command_line> commands;
    commands.push_back(std::move(one));
    std::vector<reply> replies = co_await call(std::move(commands));
    co_return std::move(replies.front());
}

void connection::tell(std::vector<command_line> commands) {
    if (link_->is_open()) (void)send(commands);
}

std::shared_ptr<connection::waiting> connection::send(const std::vector<command_line>& commands) {
    std::string bytes;
    for (const command_line& each : commands) bytes += encode(each);
    auto sent = std::make_shared<waiting>(executor_);
    sent->expected = commands.size();
    waiting_.push_back(sent);
    link_->send(std::move(bytes));
    return sent;
}

void connection::take(reply next) {
    if (waiting_.empty()) return;
    const std::shared_ptr<waiting> first = waiting_.front();
    first->replies.push_back(std::move(next));
    if (first->replies.size() < first->expected) return;
    waiting_.pop_front();
    first->done.notify();
}

void connection::lose() {
    for (const auto& each : std::exchange(waiting_, {})) {
        each->lost = true;
        each->done.notify();
    }
    changed_.notify();
}

void connection::check(std::chrono::steady_clock::time_point now, std::chrono::milliseconds limit) {
    if (!waiting_.empty() && now - waiting_.front()->since >= limit) link_->reset();
}

void connection::stop() {
    link_->stop();
    lose();
}

subscriber::subscriber(asio::any_io_executor executor, address where, std::function<void()> opened) {
    link::events on;
    on.opened = [this, opened = std::move(opened)] {
        command_line all{"SUBSCRIBE"};
        for (const auto& [channel, heard] : channels_) all.push_back(channel);
        if (all.size() > 1) link_->send(encode(all));
        opened();
    };
    on.arrived = [this](reply next) { take(std::move(next)); };
    on.lost = [] {};
    link_ = std::make_shared<link>(std::move(executor), std::move(where), std::move(on));
    link_->start();
}

subscriber::~subscriber() {
    stop();
}

void subscriber::subscribe(const std::string& channel, listener heard) {
    channels_[channel] = std::move(heard);
    link_->send(encode(line("SUBSCRIBE", channel)));
}

void subscriber::unsubscribe(const std::string& channel) {
    if (channels_.erase(channel) > 0) link_->send(encode(line("UNSUBSCRIBE", channel)));
}

void subscriber::take(reply next) {
    // [message, channel, text] or [subscribe, channel, count]
    if (next.elements.size() != 3) return;
    const auto found = channels_.find(next.elements[1].text);
    const std::string& kind = next.elements[0].text;
    if (found == channels_.end() || (kind != "message" && kind != "subscribe")) return;
    const listener heard = found->second;
    heard(kind == "message" ? std::string_view(next.elements[2].text) : std::string_view());
}

void subscriber::stop() {
    link_->stop();
}

}  // namespace corun::gateway::redis

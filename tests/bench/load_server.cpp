// Serves event streams to benchmarks, in a process of its own: one thread, epoll, everything prepared.
//
//     load_server EVENTS RATE    prints its port, and serves until its input ends
//
// A POST whose path has `/responses` gets a stream of the Responses protocol, one that has `/runs` a stream of the
// threads protocol, another one a thread, and a GET an agent. RATE 0: the whole stream of EVENTS as fast as it is
// taken. Otherwise RATE events per second to each stream, without end; the text of each is the time at which it was
// sent, in nanoseconds of CLOCK_MONOTONIC, and a space.
#include "now.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using corun::bench::now_ns;

std::string chunked(std::string_view frame) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", frame.size());
    return size + std::string(frame) + "\r\n";
}

std::string run_frame(std::string_view status) {
    return "event: thread.run." + std::string(status) +
           "\ndata: {\"id\":\"run_1\",\"object\":\"thread.run\",\"thread_id\":\"thread_1\",\"assistant_id\":\"asst_1\","
           "\"status\":\"" +
           std::string(status == "created" ? "queued" : status) + "\"}\n\n";
}

std::string response_frame(std::string_view type, std::string_view status, std::size_t number) {
    return "event: response." + std::string(type) + "\ndata: {\"type\":\"response." + std::string(type) +
           "\",\"sequence_number\":" + std::to_string(number) +
           ",\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"" + std::string(status) +
           "\",\"output\":[]}}\n\n";
}

std::string delta_frame(bool responses, std::string_view text, std::size_t number) {
    if (responses)
        return "event: response.output_text.delta\ndata: "
               "{\"type\":\"response.output_text.delta\",\"sequence_number\":" +
               std::to_string(number) +
               ",\"item_id\":\"msg_abcdefghijklmnopqrstuvwx\",\"output_index\":0,\"content_index\":0,\"delta\":\"" +
               std::string(text) + "\",\"logprobs\":[]}\n\n";
    return "event: thread.message.delta\ndata: {\"id\":\"msg_abcdefghijklmnopqrstuvwx\",\"object\":"
           "\"thread.message.delta\",\"delta\":{\"content\":[{\"index\":0,\"type\":\"text\",\"text\":{\"value\":\"" +
           std::string(text) + "\"}}]}}\n\n";
}

const char* const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string first_events(bool responses) {
    return head + chunked(responses ? response_frame("created", "in_progress", 0) : run_frame("created"));
}

std::string whole_stream(bool responses, std::size_t events) {
    static const char* const words[] = {" Bring", " a", " coat", ",", " it", " will", " be", " cold"};
    std::string stream = first_events(responses);
    for (std::size_t i = 0; i != events; ++i) stream += chunked(delta_frame(responses, words[i % 8], i + 1));
    if (responses) return stream + chunked(response_frame("completed", "completed", events + 1)) + "0\r\n\r\n";
    return stream + chunked(run_frame("completed")) + chunked("event: done\ndata: [DONE]\n\n") + "0\r\n\r\n";
}

std::string object(bool is_agent) {
    const std::string json =
        is_agent
            ? R"({"id":"asst_1","object":"assistant","created_at":1,"model":"gpt-4o","tools":[],"tool_resources":{}})"
            : R"({"id":"thread_1","object":"thread","created_at":1,"metadata":{},"tool_resources":{}})";
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(json.size()) +
           "\r\n\r\n" + json;
}

class server {
public:
    server(std::size_t events, std::size_t rate)
        : rate_(rate), period_(rate != 0 ? std::max<std::size_t>(1000 / rate, 1) : 1), due_(period_) {
        for (const bool responses : {false, true})
            streams_[responses] = rate == 0 ? whole_stream(responses, events) : first_events(responses);
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener_, 8192) != 0)
            std::exit(1);
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
        std::printf("%d\n", ntohs(address.sin_port));
        std::fflush(stdout);
        add(listener_, EPOLLIN);
        add(STDIN_FILENO, EPOLLIN);
        if (rate == 0) return;
        timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
        const itimerspec each{{0, 1'000'000}, {0, 1'000'000}};
        ::timerfd_settime(timer_, 0, &each, nullptr);
        add(timer_, EPOLLIN);
    }

    void run() {
        epoll_event ready[256];
        for (;;) {
            const int count = ::epoll_wait(set_, ready, 256, -1);
            for (int i = 0; i < count; ++i) {
                const int fd = ready[i].data.fd;
                if (fd == STDIN_FILENO) return;
                if (fd == listener_)
                    accept_all();
                else if (fd == timer_)
                    tick();
                else
                    serve(fd, ready[i].events);
            }
        }
    }

private:
    struct connection {
        std::string request;
        const std::string* stream = nullptr;
        std::size_t sent = 0, number = 0;
        bool responses = false;
    };

    void add(int fd, std::uint32_t events) {
        epoll_event wanted{};
        wanted.events = events;
        wanted.data.fd = fd;
        ::epoll_ctl(set_, EPOLL_CTL_ADD, fd, &wanted);
    }

    void accept_all() {
        for (int fd = 0; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
            const int yes = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            connections_[fd] = std::make_unique<connection>();
            add(fd, EPOLLIN | EPOLLOUT | EPOLLET);
        }
    }

    void serve(int fd, std::uint32_t events) {
        const auto found = connections_.find(fd);
        if (found == connections_.end()) return;
        connection& peer = *found->second;
        if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !receive(fd, peer)) {
            ::close(fd);
            connections_.erase(found);
            return;
        }
        if (peer.stream != nullptr) send_rest(fd, peer);
    }

    bool receive(int fd, connection& peer) {
        char bytes[16384];
        ssize_t size = 0;
        while ((size = ::recv(fd, bytes, sizeof bytes, 0)) > 0)
            peer.request.append(bytes, static_cast<std::size_t>(size));
        const bool open = size < 0 && errno == EAGAIN;
        const std::size_t end = peer.request.find("\r\n\r\n");
        if (!open || end == peer.request.npos) return open;
        const bool is_get = peer.request.starts_with("GET");
        // The body of a POST ends in a brace.
        if (!is_get && !peer.request.ends_with('}')) return true;
        const std::string line = peer.request.substr(0, peer.request.find('\r'));
        peer.responses = line.find("/responses") != line.npos;
        const bool is_stream = !is_get && (peer.responses || line.find("/runs") != line.npos);
        peer.request.clear();
        if (!is_stream) {
            const std::string answer = object(is_get);
            return ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size());
        }
        peer.stream = &streams_[peer.responses];
        peer.sent = 0;
        if (rate_ != 0) due_[next_slot_++ % period_].push_back(fd);
        return true;
    }

    void send_rest(int fd, connection& peer) {
        while (peer.sent != peer.stream->size()) {
            const std::size_t size = std::min<std::size_t>(peer.stream->size() - peer.sent, 256 << 10);
            const ssize_t sent = ::send(fd, peer.stream->data() + peer.sent, size, MSG_NOSIGNAL);
            if (sent <= 0) return;
            peer.sent += static_cast<std::size_t>(sent);
        }
        if (rate_ == 0) peer.stream = nullptr;
    }

    void tick() {
        std::uint64_t passed = 0;
        if (::read(timer_, &passed, sizeof passed) != sizeof passed) return;
        for (; passed != 0; --passed) {
            std::vector<int>& now = due_[ticks_++ % period_];
            std::erase_if(now, [this](int fd) { return !send_event(fd); });
        }
    }

    bool send_event(int fd) {
        const auto found = connections_.find(fd);
        if (found == connections_.end() || found->second->stream == nullptr) return false;
        connection& peer = *found->second;
        const std::string event = chunked(delta_frame(peer.responses, std::to_string(now_ns()) + ' ', ++peer.number));
        return ::send(fd, event.data(), event.size(), MSG_NOSIGNAL) > 0 || errno == EAGAIN;
    }

    std::size_t rate_, period_, next_slot_ = 0, ticks_ = 0;
    std::vector<std::vector<int>> due_;  ///< For each millisecond of a period, the streams that get an event.
    std::string streams_[2];
    int set_ = ::epoll_create1(0), listener_ = -1, timer_ = -1;
    std::unordered_map<int, std::unique_ptr<connection>> connections_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    server(std::strtoull(argv[1], nullptr, 10), std::strtoull(argv[2], nullptr, 10)).run();
}

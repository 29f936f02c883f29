#pragma once
#include "temporary_directory.hpp"
#include "test_ca.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

namespace corun::test {

struct nginx_options {
    nginx_options() = default;

    bool http2 = true;
    std::string more;  ///< Directives for the `server` block.
};

/// A real nginx in front of a server of the test, over TLS on a free port of 127.0.0.1: a process of
/// its own, which ends with this object or with the test, however that ends.
///
/// The socket that it listens on is made here and handed over in the way of nginx's own upgrades, so
/// nobody else can have the port, and who connects before nginx is ready waits in the queue.
class nginx {
public:
    /// `upstream` is the URL of the server behind it, without a path.
    nginx(const std::string& upstream, const ca::identity& identity, const nginx_options& how = nginx_options()) {
        asio::io_context io;
        asio::ip::tcp::acceptor listener(io, {asio::ip::address_v4::loopback(), 0});
        port_ = listener.local_endpoint().port();
        directory_.write("server.pem", identity.certificate);
        directory_.write("server.key", identity.key);
        const std::string configuration = directory_.write("nginx.conf", configuration_for(upstream, how));
        start(configuration, listener.native_handle());
    }
    ~nginx() { end(SIGKILL); }
    nginx(const nginx&) = delete;
    nginx& operator=(const nginx&) = delete;

    [[nodiscard]] std::string url(const std::string& host = "localhost") const {
        return "https://" + host + ":" + std::to_string(port_);
    }

    /// Returns when it has gone, and all its connections with it.
    void end(int signal) {
        if (process_ <= 0) return;
        // Its worker is in its group.
        ::kill(-process_, signal);
        while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
        }
        process_ = -1;
    }

    /// What it had to complain about.
    [[nodiscard]] std::string complaints() const {
        std::ifstream in(directory_.path("error.log"));
        return std::string(std::istreambuf_iterator<char>(in), {});
    }

private:
    std::string configuration_for(const std::string& upstream, const nginx_options& how) const {
        // nginx 1.22 crashes where it inherits sockets without a master process.
        std::string text = "daemon off; worker_processes 1; pid nginx.pid; error_log error.log info;\n";
        if (::geteuid() == 0) text += "user root;\n";
        text += "events { worker_connections 512; }\nhttp {\n  access_log off;\n";
        for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
            text.append("  ").append(kind).append("_temp_path ").append(kind).append(";\n");
        text += "  server {\n    listen 127.0.0.1:" + std::to_string(port_) + " ssl" + (how.http2 ? " http2" : "") +
                ";\n    ssl_certificate server.pem; ssl_certificate_key server.key;\n    " + how.more + "\n";
        // So that a test can see on which of its connections a response came.
        text += "    add_header X-Connection $connection always; add_header X-Protocol $server_protocol always;\n";
        text += "    location / {\n      proxy_pass " + upstream + ";\n";
        text +=
            "      proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 1h; proxy_set_header Host "
            "$http_host;\n";
        return text + "    }\n  }\n}\n";
    }

    void start(const std::string& configuration, int listener) {
        const std::string prefix = directory_.path("");
        const std::string log = directory_.path("error.log");
        const std::string inherited = "NGINX=3;";
        const char* arguments[] = {NGINX_PROGRAM,         "-p", prefix.c_str(), "-c",
                                   configuration.c_str(), "-e", log.c_str(),    nullptr};
        const char* environment[] = {inherited.c_str(), nullptr};
        const pid_t parent = ::getpid();
        process_ = ::fork();
        if (process_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
        if (process_ > 0) {
            ::setpgid(process_, process_);
            return;
        }
        // Nothing else of the test's: its connections would stay open with their copies here.
        ::setpgid(0, 0);
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        const int copy = ::dup2(listener, 1000);
        ::dup2(copy, 3);
        ::close_range(4, ~0U, 0);
        if (::getppid() == parent)
            ::execve(NGINX_PROGRAM, const_cast<char**>(arguments), const_cast<char**>(environment));
        ::_exit(127);
    }

    temporary_directory directory_;
    std::uint16_t port_ = 0;
    pid_t process_ = -1;
};

}  // namespace corun::test

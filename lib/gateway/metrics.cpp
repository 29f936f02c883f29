#include "gateway/metrics.hpp"

#include <corun/version.hpp>

namespace corun::gateway {
namespace {

class writer {
public:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        text.append("# HELP ").append(name).append(" ").append(help).append("\n");
        text.append("# TYPE ").append(name).append(" ").append(type).append("\n");
    }
    void value(std::uint64_t number, std::string_view label = {}, std::string_view label_value = {}) {
        text += name_;
        if (!label.empty()) text.append("{").append(label).append("=\"").append(label_value).append("\"}");
        text.append(" ").append(std::to_string(number)).append("\n");
    }
    void counter(std::string_view name, std::string_view help, std::uint64_t number) {
        family(name, "counter", help);
        value(number);
    }
    void gauge(std::string_view name, std::string_view help, std::uint64_t number) {
        family(name, "gauge", help);
        value(number);
    }

    std::string text;

private:
    std::string name_;
};

}  // namespace

std::string metrics_text(const counters& counted, const gauges& now) {
    writer out;
    out.family("corun_gateway_info", "gauge", "The version.");
    out.value(1, "version", CORUN_VERSION);
    out.counter("corun_gateway_runs_started_total", "Runs that were started.", counted.runs_started);
    out.counter("corun_gateway_runs_taken_over_total", "Runs that another gateway had left.", counted.runs_taken_over);
    out.family("corun_gateway_runs_ended_total", "counter", "Runs that ended, by outcome.");
    for (const auto& [outcome, number] : counted.runs_ended) out.value(number, "outcome", outcome);
    out.counter("corun_gateway_entries_total", "Entries of all logs.", counted.entries);
    out.counter("corun_gateway_sent_bytes_total", "Bytes of event streams that were sent.", counted.sent_bytes);
    out.counter("corun_gateway_viewers_started_total", "Event streams that were begun.", counted.viewers_started);
    out.counter("corun_gateway_viewers_stalled_total", "Viewers that did not read, and were disconnected.",
                counted.viewers_stalled);
    out.counter("corun_gateway_viewers_cut_total", "Event streams that were broken off before their end.",
                counted.viewers_cut);
    out.family("corun_gateway_responses_total", "counter", "Responses, by status.");
    for (const auto& [status, number] : counted.responses) out.value(number, "status", std::to_string(status));
    out.family("corun_gateway_refusals_total", "counter", "Requests that were refused, by code.");
    for (const auto& [code, number] : counted.refusals) out.value(number, "code", code);
    out.gauge("corun_gateway_runs", "Runs that have not ended.", now.runs);
    out.gauge("corun_gateway_waiting_runs", "Runs that wait for answers.", now.waiting_runs);
    out.gauge("corun_gateway_logs", "Logs in memory.", now.kept_runs);
    out.gauge("corun_gateway_log_bytes", "Size of all logs in memory.", now.log_bytes);
    out.gauge("corun_gateway_conversations", "Conversations in memory.", now.conversations);
    out.gauge("corun_gateway_viewers", "Event streams that are open.", now.viewers);
    out.gauge("corun_gateway_draining", "1 while no runs are accepted.", now.draining ? 1 : 0);
    return std::move(out.text);
}

}  // namespace corun::gateway

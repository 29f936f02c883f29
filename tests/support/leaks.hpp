#pragma once
#include <corun/error.hpp>
#include <corun/observer.hpp>
#include <corun/options.hpp>
#include <corun/reconcile.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <exception>
#include <initializer_list>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

/// Every secret of the tests begins alike, and whatever the library shows is searched for it: here
/// what it hands to a program, and in tests/summary.py what the tests print.
namespace corun::test {

inline constexpr std::string_view planted = "planted-secret-";

/// A secret to be told from others by its end.
inline std::string planted_secret(std::string_view which) {
    return std::string(planted).append(which);
}

/// How many texts have been searched, so that a test can see that it happened.
inline std::size_t texts_searched = 0;

inline void check_hides_secrets(std::string_view where, std::string_view text) {
    ++texts_searched;
    const std::size_t at = text.find(planted);
    if (at == text.npos) return;
    const std::size_t from = at - std::min<std::size_t>(at, 60);
    BOOST_ERROR("a secret stands in " << where << ": ..." << text.substr(from, at - from) << "[here]");
}

inline void check_hides_secrets(const diagnostics& details) {
    for (const std::string* text :
         {&details.message, &details.request_id, &details.service_code, &details.service_message, &details.body})
        check_hides_secrets("the details of an error", *text);
}

inline void check_hides_secrets(const reconcile_report& report) {
    check_hides_secrets("a report", report.body());
    for (const reconcile_report::line& line : report.lines()) check_hides_secrets("a line of a report", line.text);
}

/// Of what a test awaited.
inline void check_hides_secrets(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const error& said) {
        check_hides_secrets("an error", said.what());
        check_hides_secrets(said.details());
    } catch (const std::exception& said) {
        check_hides_secrets("an exception", said.what());
    } catch (...) {
    }
}

inline void check_hides_secrets(const request_record& told) {
    for (const std::string* text :
         {&told.method, &told.path_template, &told.server_address, &told.request_id, &told.client_request_id})
        check_hides_secrets("the record of a request", *text);
}

inline void check_hides_secrets(const run_record& told) {
    for (const std::string* text : {&told.run_id, &told.thread_id, &told.agent_id, &told.agent_name, &told.model,
                                    &told.service_code, &told.server_address})
        check_hides_secrets("the record of a run", *text);
}

inline void check_hides_secrets(const function_call_record& told) {
    for (const std::string* text :
         {&told.run_id, &told.thread_id, &told.call_id, &told.name, &told.arguments, &told.output})
        check_hides_secrets("the record of a function call", *text);
    check_hides_secrets("the record of a function call", told.error.value_or(""));
}

inline void check_hides_secrets(const approval_record& told) {
    for (const std::string* text :
         {&told.run_id, &told.thread_id, &told.call_id, &told.name, &told.arguments, &told.server_label})
        check_hides_secrets("the record of an approval", *text);
    check_hides_secrets("the record of an approval", told.error.value_or(""));
}

inline void check_hides_secrets(const wire_message& told) {
    check_hides_secrets("the traffic as shown", told.text);
}

/// The options with an observer that searches all that it is told.
inline client_options searched(client_options options = {}) {
    options.observer.on_request = [](const request_record& told) { check_hides_secrets(told); };
    options.observer.on_run = [](const run_record& told) { check_hides_secrets(told); };
    options.observer.on_function_call = [](const function_call_record& told) { check_hides_secrets(told); };
    options.observer.on_approval = [](const approval_record& told) { check_hides_secrets(told); };
    options.observer.on_wire = [](const wire_message& told) { check_hides_secrets(told); };
    return options;
}

}  // namespace corun::test

#pragma once
#include "wire.hpp"

#include <array>

/// Whole streams of the threads protocol, with the objects as complete as the service sends them.
namespace corun::test {

#define CORUN_TEST_RUN(id, status, rest)                                                                               \
    R"({"id":")" id R"(","object":"thread.run","created_at":1766001000,"assistant_id":"asst_Qm2vB7",)"                 \
    R"("thread_id":"thread_Zk1","status":")" status R"(","started_at":null,"expires_at":1766002800,)"                  \
    R"("cancelled_at":null,"failed_at":null,"model":"gpt-4o","instructions":"Answer travel questions.",)"              \
    R"("tools":[{"type":"mcp","server_label":"bookings","server_url":"https://b.example/mcp","allowed_tools":null}],)" \
    R"("tool_resources":{},"metadata":{"desk":"7"},"temperature":1.0,"top_p":1.0,"max_completion_tokens":null,)"       \
    R"("truncation_strategy":{"type":"auto","last_messages":null},"response_format":"auto","tool_choice":"auto",)"     \
    R"("parallel_tool_calls":true,)" rest "}"

#define CORUN_TEST_WAITING \
    R"("completed_at":null,"required_action":null,"last_error":null,"incomplete_details":null,"usage":null)"
#define CORUN_TEST_DONE                                                                                \
    R"("completed_at":1766001003,"required_action":null,"last_error":null,"incomplete_details":null,)" \
    R"("usage":{"prompt_tokens":120,"completion_tokens":5,"total_tokens":125,"prompt_token_details":{"cached_tokens":7}})"

#define CORUN_TEST_STEP(id, run, type, status, details, rest)                                                         \
    R"({"id":")" id R"(","object":"thread.run.step","created_at":1766001002,"run_id":")" run                          \
    R"(","assistant_id":"asst_Qm2vB7","thread_id":"thread_Zk1","type":")" type R"(","status":")" status               \
    R"(","cancelled_at":null,"expires_at":1766002800,"failed_at":null,"metadata":null,"step_details":{"type":")" type \
    R"(",)" details "}," rest "}"
#define CORUN_TEST_STEP_OPEN R"("completed_at":null,"last_error":null,"usage":null)"
#define CORUN_TEST_STEP_DONE \
    R"("completed_at":1766001003,"last_error":null,"usage":{"prompt_tokens":120,"completion_tokens":5,"total_tokens":125})"

#define CORUN_TEST_MESSAGE(id, run, status, content)                                                                 \
    R"({"id":")" id R"(","object":"thread.message","created_at":1766001002,"assistant_id":"asst_Qm2vB7",)"           \
    R"("thread_id":"thread_Zk1","run_id":")" run R"(","status":")" status                                            \
    R"(","incomplete_details":null,"incomplete_at":null,"completed_at":null,"role":"assistant","content":[)" content \
    R"(],"attachments":[],"metadata":{}})"

/// Text only.
inline constexpr std::array<sample, 14> text_stream{{
    {"thread.created",
     R"({"id":"thread_Zk1","object":"thread","created_at":1766000001,"metadata":{},"tool_resources":{}})"},
    {"thread.run.created", CORUN_TEST_RUN("run_T1", "queued", CORUN_TEST_WAITING)},
    {"thread.run.queued", CORUN_TEST_RUN("run_T1", "queued", CORUN_TEST_WAITING)},
    {"thread.run.in_progress", CORUN_TEST_RUN("run_T1", "in_progress", CORUN_TEST_WAITING)},
    {"thread.run.step.created", CORUN_TEST_STEP("step_T1", "run_T1", "message_creation", "in_progress",
                                                R"("message_creation":{"message_id":"msg_T1"})", CORUN_TEST_STEP_OPEN)},
    {"thread.run.step.in_progress",
     CORUN_TEST_STEP("step_T1", "run_T1", "message_creation", "in_progress",
                     R"("message_creation":{"message_id":"msg_T1"})", CORUN_TEST_STEP_OPEN)},
    {"thread.message.created", CORUN_TEST_MESSAGE("msg_T1", "run_T1", "in_progress", "")},
    {"thread.message.in_progress", CORUN_TEST_MESSAGE("msg_T1", "run_T1", "in_progress", "")},
    {"thread.message.delta",
     R"({"id":"msg_T1","object":"thread.message.delta","delta":{"content":[{"index":0,"type":"text","text":{"value":"Bring"}}]}})"},
    {"thread.message.delta",
     R"({"id":"msg_T1","object":"thread.message.delta","delta":{"content":[{"index":0,"type":"text","text":{"value":" a \"coat\"."}}]}})"},
    {"thread.message.completed",
     CORUN_TEST_MESSAGE("msg_T1", "run_T1", "completed",
                        R"({"type":"text","text":{"value":"Bring a \"coat\".","annotations":[]}})")},
    {"thread.run.step.completed",
     CORUN_TEST_STEP("step_T1", "run_T1", "message_creation", "completed",
                     R"("message_creation":{"message_id":"msg_T1"})", CORUN_TEST_STEP_DONE)},
    {"thread.run.completed", CORUN_TEST_RUN("run_T1", "completed", CORUN_TEST_DONE)},
    {"done", "[DONE]"},
}};

/// A function call, up to the action it needs; and what follows once it has the output.
inline constexpr std::array<sample, 9> function_stream{{
    {"thread.run.created", CORUN_TEST_RUN("run_F1", "queued", CORUN_TEST_WAITING)},
    {"thread.run.in_progress", CORUN_TEST_RUN("run_F1", "in_progress", CORUN_TEST_WAITING)},
    {"thread.run.step.created",
     CORUN_TEST_STEP("step_F1", "run_F1", "tool_calls", "in_progress", R"("tool_calls":[])", CORUN_TEST_STEP_OPEN)},
    {"thread.run.step.in_progress",
     CORUN_TEST_STEP("step_F1", "run_F1", "tool_calls", "in_progress", R"("tool_calls":[])", CORUN_TEST_STEP_OPEN)},
    {"thread.run.step.delta",
     R"({"id":"step_F1","object":"thread.run.step.delta","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"id":"call_f1","type":"function","function":{"name":"get_weather","arguments":"","output":null}}]}}})"},
    {"thread.run.step.delta",
     R"({"id":"step_F1","object":"thread.run.step.delta","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"type":"function","function":{"arguments":"{\"city\":"}}]}}})"},
    {"thread.run.step.delta",
     R"({"id":"step_F1","object":"thread.run.step.delta","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"type":"function","function":{"arguments":"\"Oslo\"}"}}]}}})"},
    {"thread.run.requires_action",
     CORUN_TEST_RUN(
         "run_F1", "requires_action",
         R"("required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[)"
         R"({"id":"call_f1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Oslo\"}"}}]}},)"
         R"("last_error":null,"usage":null)")},
    {"done", "[DONE]"},
}};
inline constexpr std::array<sample, 6> function_stream_continued{{
    {"thread.run.step.completed",
     CORUN_TEST_STEP(
         "step_F1", "run_F1", "tool_calls", "completed",
         R"("tool_calls":[{"id":"call_f1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Oslo\"}","output":"{\"temp_c\":-3}"}}])",
         CORUN_TEST_STEP_DONE)},
    {"thread.run.queued", CORUN_TEST_RUN("run_F1", "queued", CORUN_TEST_WAITING)},
    {"thread.run.in_progress", CORUN_TEST_RUN("run_F1", "in_progress", CORUN_TEST_WAITING)},
    {"thread.message.completed", CORUN_TEST_MESSAGE("msg_F1", "run_F1", "completed",
                                                    R"({"type":"text","text":{"value":"-3 °C.","annotations":[]}})")},
    {"thread.run.completed", CORUN_TEST_RUN("run_F1", "completed", CORUN_TEST_DONE)},
    {"done", "[DONE]"},
}};

/// An MCP call that waits for approval; and what follows once it has it: a premature end of the
/// step, its arguments once more, and its end again.
inline constexpr std::array<sample, 8> mcp_stream{{
    {"thread.run.created", CORUN_TEST_RUN("run_M1", "queued", CORUN_TEST_WAITING)},
    {"thread.run.in_progress", CORUN_TEST_RUN("run_M1", "in_progress", CORUN_TEST_WAITING)},
    {"thread.run.step.created",
     CORUN_TEST_STEP(
         "step_L1", "run_M1", "activities", "completed",
         R"("activities":[{"type":"mcp_list_tools","id":"mcpl_1","server_label":"bookings","tools":{"reserve_seat":{"description":"Reserve one seat","parameters":{"type":"object","properties":{"seat":{"type":"string","description":"seat id"}},"required":["seat"],"additionalProperties":false}},"list_seats":{"parameters":{"type":"object","properties":{}}}}}])",
         CORUN_TEST_STEP_DONE)},
    {"thread.run.step.created",
     CORUN_TEST_STEP("step_M1", "run_M1", "tool_calls", "in_progress", R"("tool_calls":[])", CORUN_TEST_STEP_OPEN)},
    {"thread.run.step.delta",
     R"({"id":"step_M1","object":"thread.run.step.delta","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"id":"call_m1","type":"mcp","name":"reserve_seat","server_label":"bookings","arguments":""}]}}})"},
    {"thread.run.step.delta",
     R"({"id":"step_M1","object":"thread.run.step.delta","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"id":"call_m1","type":"mcp","arguments":"{\"seat\":\"14A\"}"}]}}})"},
    {"thread.run.requires_action",
     CORUN_TEST_RUN(
         "run_M1", "requires_action",
         R"("required_action":{"type":"submit_tool_approval","submit_tool_approval":{"tool_calls":[)"
         R"({"id":"call_m1","type":"mcp","name":"reserve_seat","arguments":"{\"seat\":\"14A\"}","server_label":"bookings"}]}},)"
         R"("last_error":null,"usage":null)")},
    {"done", "[DONE]"},
}};
inline constexpr std::array<sample, 8> mcp_stream_continued{{
    {"thread.run.step.completed",
     CORUN_TEST_STEP(
         "step_M1", "run_M1", "tool_calls", "completed",
         R"("tool_calls":[{"id":"call_m1","type":"mcp","name":"reserve_seat","arguments":"{\"seat\":\"14A\"}","server_label":"bookings"}])",
         CORUN_TEST_STEP_DONE)},
    {"thread.run.queued", CORUN_TEST_RUN("run_M1", "queued", CORUN_TEST_WAITING)},
    {"thread.run.in_progress", CORUN_TEST_RUN("run_M1", "in_progress", CORUN_TEST_WAITING)},
    {"thread.run.step.delta",
     R"({"id":"step_M1","object":"thread.run.step.delta","delta":{"step_details":{"type":"tool_calls","tool_calls":[{"index":0,"id":"call_m1","type":"mcp","arguments":"{\"seat\":\"14A\"}","output":"{\"ok\":true}"}]}}})"},
    {"thread.run.step.completed",
     CORUN_TEST_STEP(
         "step_M1", "run_M1", "tool_calls", "completed",
         R"("tool_calls":[{"id":"call_m1","type":"mcp","name":"reserve_seat","arguments":"{\"seat\":\"14A\"}","output":"{\"ok\":true}","server_label":"bookings"}])",
         CORUN_TEST_STEP_DONE)},
    {"thread.message.completed",
     CORUN_TEST_MESSAGE("msg_M1", "run_M1", "completed",
                        R"({"type":"text","text":{"value":"Seat 14A is booked.","annotations":[]}})")},
    {"thread.run.completed", CORUN_TEST_RUN("run_M1", "completed", CORUN_TEST_DONE)},
    {"done", "[DONE]"},
}};

}  // namespace corun::test

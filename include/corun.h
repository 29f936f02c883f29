/*
 * The C interface of corun: libcorun-c.
 *
 * For programs in C and for the foreign function interfaces of other languages. Requests, events and results are JSON
 * texts in UTF-8. docs/other_languages.md has whole programs in C, Python and JavaScript.
 *
 * Errors: a function that fails returns NULL or CORUN_FAILED; corun_error_name and corun_error_message then describe the
 * failure. No function throws.
 *
 * Threads: a client makes its requests in a thread of its own. corun_run_next blocks the calling thread until an event
 * arrives, corun_run_cancel until the service has responded; no other function waits for the network, except that the
 * functions that free an object wait until the client's thread has let go of it. Every function can be called from every
 * thread. Of one run, all calls but corun_run_cancel wait for each other.
 *
 * Lifetime: free a run before or after its client, in any order. Do not use an object while another thread frees it.
 */
#ifndef CORUN_H
#define CORUN_H

#ifdef __cplusplus
extern "C" {
#endif

/* Exports a function from the shared library. */
#define CORUN_C_API __attribute__((visibility("default")))

/* A client of one endpoint, with a thread of its own. */
typedef struct corun_client corun_client;
/* A run and its stream of events. */
typedef struct corun_run corun_run;

/* The version of the library, such as "0.1.0". */
CORUN_C_API const char *corun_version(void);

/*
 * The last failure in this thread: the name of its errc, such as "connect_timeout", "cancelled" for a cancelled
 * operation, or the category of another error, such as "system". Empty before the first failure. Valid until the next
 * call of a function that fails, in the same thread.
 */
CORUN_C_API const char *corun_error_name(void);
/* One line that describes the last failure, without secrets. Empty and valid as corun_error_name is. */
CORUN_C_API const char *corun_error_message(void);

/*
 * Creates a client for an endpoint: a project, or a URL that ends in /v1. `token` is a bearer token or an OpenAI key; if
 * it is NULL, tokens come from the environment, as with corun::default_credential. `options` is NULL or an object:
 *
 *   protocol          "threads" (the default) or "responses"
 *   api_key           true: `token` is a key of an Azure service, sent as api-key
 *   api_version, application_id, ca_file, proxy, unix_socket: strings
 *   request_headers   {"name": "value"}
 *   connect_timeout_ms, idle_timeout_ms, event_timeout_ms, total_timeout_ms, stop_timeout_ms
 *   max_retries
 *
 * Returns NULL if an argument is invalid. Does not connect.
 */
CORUN_C_API corun_client *corun_client_new(const char *endpoint, const char *token, const char *options);

/* Replaces the token, for all requests that follow. Returns 0, or CORUN_FAILED for a client without a token. */
CORUN_C_API int corun_client_set_token(corun_client *client, const char *token);

/* Frees the client, and waits until runs that are cancelled in the background have ended. Accepts NULL. */
CORUN_C_API void corun_client_free(corun_client *client);

/*
 * Starts a run, and returns at once: corun_run_next fails if the run cannot be started. `request` is an object:
 *
 *   agent             the id of a stored agent (in the Responses protocol its name), or in the Responses protocol an
 *                     object that the application keeps: {"model", "name", "instructions", "tools": [...]}
 *   message           the user's text
 *   thread            the id of a thread, or of a conversation; absent: a new one
 *   mcp_headers       {"server label": {"name": "value"}}: for this run only
 *   approval          "never" or "always", for all MCP servers, or {"server label": "never" or "always"}
 *   mcp_caller        "service", "client" or "automatic"
 *   mcp_principal     the user's name, not a token: runs of one name use the lists of MCP servers' tools again
 *   functions         [{"name", "description", "parameters": a JSON schema}]: the run waits for their outputs
 *   model, instructions, additional_instructions: strings
 *   temperature, top_p, max_completion_tokens, parallel_tool_calls, rate_limit_restarts
 *   background, store, previous_response_id: Responses protocol only
 *   on_abandon        "cancelled_if_waiting" (the default), "goes_on" or "cancelled"
 *   tag               a text of the application, for its logs
 *   extra             an object with additional members of the request body
 *   position          instead of `message`: attaches to a run; `position` of corun_run_result, after whose
 *                     events it continues exactly
 *
 * Returns NULL if the request is not valid, for example because it has an unknown member.
 */
CORUN_C_API corun_run *corun_run_start(corun_client *client, const char *request);

enum {
    CORUN_FAILED = -1,
    CORUN_ENDED = 0,     /* The run has ended; its last event was delivered before. */
    CORUN_EVENT = 1,     /* An event was delivered. */
    CORUN_WAITS = 2,     /* The run waits for corun_run_answer. */
    CORUN_TIMED_OUT = 3, /* No event arrived in time. No event is lost; call again. */
};

/*
 * Waits for the next event: without a limit if `timeout_ms` is negative, and not at all if it is 0. Returns one of the
 * values above. If it returns CORUN_EVENT, `*event` is an object, valid until the next call for this run:
 *
 *   event      the event's name in the protocol, such as "thread.message.delta"
 *   type       its type in corun, the same in both protocols, such as "text_delta", "run_completed"
 *   data       its data as received, or null. The service may echo MCP headers in it: redact it before you log it.
 *   text       the text of a text_delta, refusal_delta or reasoning_delta
 *   outcome    of an event that ends the run: "completed", "failed", "incomplete", "cancelled" or "expired"
 *   error      {"code", "message"} of a run that failed
 *   calls      of "action_required": [{"id", "kind": "function", "approval" or another, "name", "arguments": JSON text,
 *              "server_label"}]
 *   continues  true: belongs to the same event of the protocol as the one before it
 *
 * If it returns CORUN_FAILED, `*event` is {"error": {"code": corun_error_name, "message": corun_error_message}}, for
 * callers that do not know in which thread the call has run. The run then delivers no events, unless its answers failed:
 * these can be given again.
 */
CORUN_C_API int corun_run_next(corun_run *run, int timeout_ms, const char **event);

/*
 * Answers the calls of "action_required": an array with one object for each call,
 * {"id", "output": text or JSON}, {"id", "approve": true, "headers": {"name": "value"}} or
 * {"id", "approve": false, "reason": text}. Returns 0 and sends the answers, or CORUN_FAILED if they are not valid.
 * corun_run_next fails if the service does not accept them.
 */
CORUN_C_API int corun_run_answer(corun_run *run, const char *answers);

/*
 * Asks the service to cancel the run, and returns 0 or CORUN_FAILED. Events follow until the run has ended, usually with
 * the outcome "cancelled". A response can be cancelled only if it runs in the background.
 */
CORUN_C_API int corun_run_cancel(corun_run *run);

/*
 * What the events that corun_run_next has delivered amount to: an object with run_id, thread_id, status, text, messages,
 * steps, usage, last_error and position. Valid until the next call for this run. Returns NULL on failure.
 */
CORUN_C_API const char *corun_run_result(corun_run *run);

/* Stops reading, and frees the run; `on_abandon` decides what happens to it at the service. Accepts NULL. */
CORUN_C_API void corun_run_free(corun_run *run);

#ifdef __cplusplus
}
#endif

#endif

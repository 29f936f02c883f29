/* Asks an agent, approves its MCP calls, and prints its answer: ask ENDPOINT TOKEN AGENT_ID QUESTION */
#include <corun.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: ask ENDPOINT TOKEN AGENT_ID QUESTION\n");
        return 2;
    }
    char request[4096];
    /* A program with a JSON library builds this text with it. */
    int length = snprintf(request, sizeof request, "{\"agent\":\"%s\",\"message\":\"%s\",\"approval\":\"never\"}",
                          argv[3], argv[4]);
    if (length < 0 || (size_t)length >= sizeof request) return 2;

    corun_client *client = corun_client_new(argv[1], argv[2], NULL);
    corun_run *run = client ? corun_run_start(client, request) : NULL;
    const char *event = NULL;
    int outcome = run ? CORUN_EVENT : CORUN_FAILED;
    while (outcome == CORUN_EVENT) {
        outcome = corun_run_next(run, -1, &event);
        if (outcome == CORUN_EVENT) printf("%s\n", event);
    }
    if (outcome == CORUN_FAILED) fprintf(stderr, "%s: %s\n", corun_error_name(), corun_error_message());
    corun_run_free(run);
    corun_client_free(client);
    return outcome == CORUN_ENDED ? EXIT_SUCCESS : EXIT_FAILURE;
}

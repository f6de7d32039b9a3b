// SPDX-License-Identifier: Apache-2.0
// A small native MCP server for tests: starts in a millisecond and misbehaves when told to.
//   cc -O2 -static -pthread -o tiny tests/support/engines/tiny.c
//   tiny [stdio]   JSON lines on standard input and output (the default)
//   tiny http      POST /mcp on PORT (default 3001) of TINY_HOST (default 0.0.0.0)
// It is no protocol reference (the npm servers are): one request a line, no batches.
// Tools: echo {message}, get-env {name} (without a name: the whole environment), pid {}.
//
//   TINY_NAME=x          the name in serverInfo (default tiny)
//   TINY_DELAY_MS=n      waits before it answers initialize (and tools/list of the new revision)
//   TINY_HANG=1          never answers initialize
//   TINY_EXIT_AFTER_MS=n ends n ms after its start, with TINY_EXIT_CODE (default 1)
//   TINY_IGNORE_TERM=1   TERM does nothing
//   TINY_CHILD=1         leaves a child in its process group, which sleeps
//   TINY_GARBAGE=1       a line on standard output that is no JSON, before anything else
//   TINY_CHATTER=n       n bytes of notifications on standard output, before anything else
//   TINY_STATUS=n        http: answers every POST with this status and no body
//   TINY_TOKEN=x         http: 401 without `Authorization: Bearer x`
//   TINY_SSE=1           http: answers as text/event-stream
//   TINY_MODERN=1        revision 2026-07-28: no initialize, server/discover instead
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static char const* setting(char const* name, char const* otherwise) {
  char const* value = getenv(name);
  return value != NULL && *value != '\0' ? value : otherwise;
}

static long number(char const* name, long otherwise) {
  char const* value = setting(name, NULL);
  return value != NULL ? strtol(value, NULL, 10) : otherwise;
}

static void wait_ms(long ms) {
  struct timespec pause = {ms / 1000, (ms % 1000) * 1000000};
  while (ms > 0 && nanosleep(&pause, &pause) != 0) {
  }
}

// Text that grows.
struct text {
  char* data;
  size_t size, room;
};

static void append_bytes(struct text* out, char const* bytes, size_t count) {
  if (out->size + count + 1 > out->room) {
    out->room = (out->size + count + 1) * 2;
    out->data = realloc(out->data, out->room);
    if (out->data == NULL) abort();
  }
  memcpy(out->data + out->size, bytes, count);
  out->size += count;
  out->data[out->size] = '\0';
}

static void append(struct text* out, char const* format, ...) {
  char buffer[1024];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  if (length > 0) append_bytes(out, buffer, strlen(buffer));
}

static void append_quoted(struct text* out, char const* bytes, size_t count) {
  append_bytes(out, "\"", 1);
  for (size_t i = 0; i < count; ++i) {
    unsigned char c = (unsigned char)bytes[i];
    if (c == '"' || c == '\\') {
      append(out, "\\%c", c);
    } else if (c < 0x20) {
      append(out, "\\u%04x", c);
    } else {
      append_bytes(out, bytes + i, 1);
    }
  }
  append_bytes(out, "\"", 1);
}

// JSON, read in place: a slice of the request's text.
struct slice {
  char const* at;
  size_t size;
};

static char const* skip_space(char const* at) {
  while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n') ++at;
  return at;
}

static char const* skip_string(char const* at) {
  for (++at; *at != '\0' && *at != '"'; ++at) {
    if (*at == '\\' && at[1] != '\0') ++at;
  }
  return *at == '"' ? at + 1 : at;
}

static char const* skip_value(char const* at) {
  if (*at == '"') return skip_string(at);
  if (*at != '{' && *at != '[') {
    while (*at != '\0' && strchr(",]} \t\r\n", *at) == NULL) ++at;
    return at;
  }
  int depth = 0;
  while (*at != '\0') {
    if (*at == '"') {
      at = skip_string(at);
      continue;
    }
    if (*at == '{' || *at == '[') ++depth;
    if (*at == '}' || *at == ']') --depth;
    ++at;
    if (depth == 0) break;
  }
  return at;
}

// The value of a member of the object, or an empty slice.
static struct slice member(struct slice object, char const* name) {
  struct slice nothing = {"", 0};
  if (object.size == 0 || *object.at != '{') return nothing;
  char const* at = skip_space(object.at + 1);
  while (*at == '"') {
    char const* key = at + 1;
    at = skip_string(at);
    bool wanted = (size_t)(at - key - 1) == strlen(name) && memcmp(key, name, strlen(name)) == 0;
    at = skip_space(at);
    if (*at == ':') at = skip_space(at + 1);
    char const* end = skip_value(at);
    if (wanted) return (struct slice){at, (size_t)(end - at)};
    at = skip_space(end);
    if (*at == ',') at = skip_space(at + 1);
  }
  return nothing;
}

static bool is_string(struct slice value, char const* expected) {
  return value.size == strlen(expected) + 2 && *value.at == '"' &&
         memcmp(value.at + 1, expected, strlen(expected)) == 0;
}

static void append_environment(struct text* out, struct slice name) {
  struct text found = {0};
  for (char** entry = environ; *entry != NULL; ++entry) {
    char const* equals = strchr(*entry, '=');
    if (equals == NULL) continue;
    size_t length = (size_t)(equals - *entry);
    if (name.size < 2) {
      append(&found, found.size == 0 ? "{" : ",");
      append_quoted(&found, *entry, length);
      append(&found, ":");
      append_quoted(&found, equals + 1, strlen(equals + 1));
    } else if (length == name.size - 2 && memcmp(*entry, name.at + 1, length) == 0) {
      append_bytes(&found, equals + 1, strlen(equals + 1));
    }
  }
  if (name.size < 2) append(&found, found.size == 0 ? "{}" : "}");
  append_quoted(out, found.data != NULL ? found.data : "", found.size);
  free(found.data);
}

static void append_tool_result(struct text* out, struct slice request) {
  struct slice params = member(request, "params");
  struct slice tool = member(params, "name");
  struct slice arguments = member(params, "arguments");
  append(out, ",\"result\":{\"content\":[{\"type\":\"text\",\"text\":");
  bool known = true;
  if (is_string(tool, "echo")) {
    struct slice message = member(arguments, "message");
    if (message.size > 1 && *message.at == '"') {
      append(out, "\"Echo: ");  // the string's own escapes stay as they are
      append_bytes(out, message.at + 1, message.size - 1);
    } else {
      append(out, "\"Echo: \"");
    }
  } else if (is_string(tool, "get-env")) {
    append_environment(out, member(arguments, "name"));
  } else if (is_string(tool, "pid")) {
    append(out, "\"%ld\"", (long)getpid());
  } else {
    known = false;
    append(out, "\"unknown tool\"");
  }
  append(out, "}],\"isError\":%s}", known ? "false" : "true");
}

static void append_initialize_result(struct text* out, struct slice request) {
  static char const* const revisions[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};
  struct slice asked = member(member(request, "params"), "protocolVersion");
  char const* revision = "2025-11-25";
  for (size_t i = 0; i < sizeof revisions / sizeof *revisions; ++i) {
    if (is_string(asked, revisions[i])) revision = revisions[i];
  }
  append(out,
         ",\"result\":{\"protocolVersion\":\"%s\",\"capabilities\":{\"tools\":{}},"
         "\"serverInfo\":{\"name\":\"%s\",\"version\":\"1\"}}",
         revision, setting("TINY_NAME", "tiny"));
}

static void append_discover_result(struct text* out) {
  append(out,
         ",\"result\":{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],"
         "\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"%s\",\"version\":\"1\"}}",
         setting("TINY_NAME", "tiny"));
}

static void append_tools(struct text* out, bool modern) {
  append(out, ",\"result\":{%s\"tools\":[",
         modern ? "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"," : "");
  append(out,
         "{\"name\":\"echo\",\"description\":\"Says the message again\",\"inputSchema\":{"
         "\"type\":\"object\",\"properties\":{\"message\":{\"type\":\"string\"}},"
         "\"required\":[\"message\"]}},"
         "{\"name\":\"get-env\",\"description\":\"Its environment\",\"inputSchema\":{"
         "\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}},"
         "{\"name\":\"pid\",\"description\":\"Its process id\","
         "\"inputSchema\":{\"type\":\"object\"}}]}");
}

// Writes the answer to one message; false where none is due.
static bool answer(char const* message, struct text* out) {
  char const* start = skip_space(message);
  struct slice request = {start, strlen(start)};
  struct slice id = member(request, "id");
  struct slice method = member(request, "method");
  bool modern = number("TINY_MODERN", 0) != 0;
  if (method.size == 0 || id.size == 0) return false;
  append(out, "{\"jsonrpc\":\"2.0\",\"id\":");
  append_bytes(out, id.at, id.size);
  if (is_string(method, "initialize") && !modern) {
    if (number("TINY_HANG", 0) != 0) return false;
    wait_ms(number("TINY_DELAY_MS", 0));
    append_initialize_result(out, request);
  } else if (is_string(method, "server/discover") && modern) {
    if (number("TINY_HANG", 0) != 0) return false;
    wait_ms(number("TINY_DELAY_MS", 0));
    append_discover_result(out);
  } else if (is_string(method, "ping")) {
    append(out, ",\"result\":{}");
  } else if (is_string(method, "tools/list")) {
    append_tools(out, modern);
  } else if (is_string(method, "tools/call")) {
    append_tool_result(out, request);
  } else {
    append(out, ",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}");
  }
  append(out, "}");
  return true;
}

static void write_all(int file, char const* bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(file, bytes, count);
    if (written <= 0) return;
    bytes += written;
    count -= (size_t)written;
  }
}

static int serve_stdio(void) {
  char* line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    struct text out = {0};
    if (answer(line, &out)) {
      append(&out, "\n");
      write_all(STDOUT_FILENO, out.data, out.size);
    }
    free(out.data);
  }
  free(line);
  return 0;
}

static void respond(int file, int status, char const* extra, char const* type, struct text* body) {
  struct text out = {0};
  append(&out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%sContent-Length: %zu\r\n\r\n", status,
         status < 400 ? "OK" : "Refused", type, extra, body->size);
  if (body->size > 0) append_bytes(&out, body->data, body->size);
  write_all(file, out.data, out.size);
  free(out.data);
}

static bool is_authorized(char const* head) {
  char const* token = setting("TINY_TOKEN", NULL);
  if (token == NULL) return true;
  char const* field = strcasestr(head, "\r\nauthorization: bearer ");
  if (field == NULL) return false;
  field += strlen("\r\nauthorization: bearer ");
  return strncmp(field, token, strlen(token)) == 0 && field[strlen(token)] == '\r';
}

static void handle(int file, char const* head, char const* body) {
  struct text nothing = {0};
  struct text out = {0};
  bool ours = strncmp(head + strcspn(head, " "), " /mcp", 5) == 0;
  if (!ours) {
    respond(file, 404, "", "text/plain", &nothing);
  } else if (!is_authorized(head)) {
    respond(file, 401, "WWW-Authenticate: Bearer realm=\"tiny\"\r\n", "text/plain", &nothing);
  } else if (strncmp(head, "DELETE ", 7) == 0) {
    respond(file, 200, "", "text/plain", &nothing);
  } else if (strncmp(head, "POST ", 5) != 0) {
    respond(file, 405, "Allow: POST, DELETE\r\n", "text/plain", &nothing);
  } else if (number("TINY_STATUS", 0) != 0) {
    respond(file, (int)number("TINY_STATUS", 0), "", "text/plain", &nothing);
  } else if (answer(body, &out)) {
    bool events = number("TINY_SSE", 0) != 0;
    struct text framed = {0};
    append(&framed, events ? "event: message\ndata: " : "");
    append_bytes(&framed, out.data, out.size);
    append(&framed, events ? "\n\n" : "");
    respond(file, 200, "", events ? "text/event-stream" : "application/json", &framed);
    free(framed.data);
  } else if (out.size == 0) {
    respond(file, 202, "", "text/plain", &nothing);
  } else {
    for (;;) pause();  // TINY_HANG: the request stays open
  }
  free(out.data);
}

static void* serve_connection(void* argument) {
  int file = (int)(long)argument;
  struct text in = {0};
  char buffer[16384];
  for (;;) {
    char* end = in.size > 0 ? strstr(in.data, "\r\n\r\n") : NULL;
    if (end != NULL) {
      char saved = end[2];
      end[2] = '\0';
      char const* field = strcasestr(in.data, "\r\ncontent-length:");
      size_t length = field != NULL ? strtoul(field + 17, NULL, 10) : 0;
      end[2] = saved;
      size_t head = (size_t)(end + 4 - in.data);
      if (in.size >= head + length) {
        char* body = strndup(end + 4, length);
        end[2] = '\0';
        if (strcasestr(in.data, "\r\nexpect: 100-continue") != NULL) {
          write_all(file, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        }
        handle(file, in.data, body);
        free(body);
        in.size -= head + length;
        memmove(in.data, in.data + head + length, in.size + 1);
        continue;
      }
    }
    ssize_t count = read(file, buffer, sizeof buffer);
    if (count <= 0) break;
    append_bytes(&in, buffer, (size_t)count);
  }
  free(in.data);
  close(file);
  return NULL;
}

static int serve_http(void) {
  int on = 1;
  long port = number("PORT", number("MCP_PORT", 3001));
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  inet_pton(AF_INET, setting("TINY_HOST", "0.0.0.0"), &address.sin_addr);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr*)&address, sizeof address) != 0 ||
      listen(listener, 128) != 0) {
    perror("tiny: cannot listen");
    return 1;
  }
  fprintf(stderr, "tiny: listening on port %ld\n", port);
  for (;;) {
    int file = accept(listener, NULL, NULL);
    if (file < 0) continue;
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve_connection, (void*)(long)file) == 0) {
      pthread_detach(thread);
    } else {
      close(file);
    }
  }
}

static void on_term(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void* exit_later(void* argument) {
  (void)argument;
  wait_ms(number("TINY_EXIT_AFTER_MS", 0));
  fprintf(stderr, "tiny: ending as told\n");
  _exit((int)number("TINY_EXIT_CODE", 1));
}

static void misbehave(void) {
  static char const line[] =
      "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\","
      "\"data\":\"chatter\"}}\n";
  if (number("TINY_CHILD", 0) != 0 && fork() == 0) {
    for (;;) pause();
  }
  if (setting("TINY_EXIT_AFTER_MS", NULL) != NULL) {
    pthread_t thread;
    pthread_create(&thread, NULL, exit_later, NULL);
  }
  if (number("TINY_GARBAGE", 0) != 0) write_all(STDOUT_FILENO, "This is not JSON\n", 17);
  for (long left = number("TINY_CHATTER", 0); left > 0; left -= (long)sizeof line - 1) {
    write_all(STDOUT_FILENO, line, sizeof line - 1);
  }
}

int main(int count, char** arguments) {
  char const* mode = count > 1 ? arguments[1] : "stdio";
  signal(SIGPIPE, SIG_IGN);
  signal(SIGTERM, number("TINY_IGNORE_TERM", 0) != 0 ? SIG_IGN : on_term);
  signal(SIGINT, on_term);
  if (strcmp(mode, "stdio") != 0 && strcmp(mode, "http") != 0) {
    fprintf(stderr, "tiny: unknown mode '%s', expected stdio or http\n", mode);
    return 2;
  }
  misbehave();
  return strcmp(mode, "http") == 0 ? serve_http() : serve_stdio();
}

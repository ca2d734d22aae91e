/* What the log says of bytes that anybody sends: one line of ASCII, from which they can be had
 * again, whatever they are. The input: a byte that says what the event is, then its text. */
#include "fuzz.h"

#include "base/log_line.h"

/* By the bits of the first byte. */
#define LEVEL 3  /* the level */
#define BARE  4  /* no words before the text */
#define QUOTE 8  /* quotes around it */
#define CUT   16 /* the text was longer */
#define CONN  32 /* a connection's */

#define WHAT "Message received:"

static unsigned hex(const char *at)
{
    char digits[3] = {at[0], at[1], '\0'};
    char *end;
    unsigned value = (unsigned)strtoul(digits, &end, 16);
    must(end == digits + 2);
    return value;
}

/* The byte that stands here, escaped or not; returns how long it is. */
static size_t read_byte(const char *at, bool json, unsigned char *byte)
{
    *byte = (unsigned char)*at;
    must(*byte >= 0x20 && *byte <= 0x7e);
    if (*byte != '\\')
        return 1;
    if (json && at[1] == 'u') {
        must(memcmp(at + 2, "00", 2) == 0);
        *byte = (unsigned char)hex(at + 4);
        return 6;
    }
    if (!json && at[1] == 'x') {
        *byte = (unsigned char)hex(at + 2);
        return 4;
    }
    must(at[1] == '\\' || (json && at[1] == '"'));
    *byte = (unsigned char)at[1];
    return 2;
}

/* Over these words, which must stand here. */
static const char *expect(const char *at, const char *words)
{
    must(strncmp(at, words, strlen(words)) == 0);
    return at + strlen(words);
}

static const char *expect_text(const char *at, struct herd_text text, bool json)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte;
        must(!json || *at != '"');
        at += read_byte(at, json, &byte);
        must(byte == (unsigned char)text.bytes[i]);
    }
    return at;
}

static void check_text(const char *at, struct herd_text text, unsigned how)
{
    static const char *const levels[] = {" debug ", " info ", " warn ", " error "};
    at = expect(at, "2018-03-02T20:53:20.123456Z");
    at = expect(at, levels[how & LEVEL]);
    at = expect(at, how & CONN ? "#7 " : "- ");
    at = how & BARE ? at : expect(at, WHAT " ");
    at = how & QUOTE ? expect(at, "'") : at;
    at = expect_text(at, text, false);
    at = how & CUT ? expect(at, "...") : at;
    at = how & QUOTE ? expect(at, "'") : at;
    must(strcmp(at, "\n") == 0);
}

static void check_json(const char *at, struct herd_text text, unsigned how)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    at = expect(at, "{\"time\":\"2018-03-02T20:53:20.123456Z\",\"level\":\"");
    at = expect(at, levels[how & LEVEL]);
    at = expect(at, how & CONN ? "\",\"connection\":7" : "\",\"connection\":0");
    at = expect(at, how & BARE ? ",\"event\":\"" : ",\"event\":\"Message received\",\"text\":\"");
    at = expect_text(at, text, true);
    at = expect(at, how & CUT ? "\",\"cut\":true}\n" : "\"}\n");
    must(*at == '\0');
}

/* In as much room as the line may take, and no more. */
static void check(enum log_format format, const struct log_record *record, struct herd_text text,
                  void (*judge)(const char *at, struct herd_text text, unsigned how), unsigned how)
{
    struct log_stamp stamp = {0};
    char *line = malloc(LOG_LINE_BYTES(text.len));
    must(line != NULL);
    for (int twice = 0; twice < 2; twice++) {
        char *end = log_line_put(line, format, &stamp, record, text);
        must(end > line && (size_t)(end - line) < LOG_LINE_BYTES(text.len));
        *end = '\0';
        judge(line, text, how);
    }
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 1 || len - 1 > LOG_TEXT_MAX)
        return 0;
    unsigned how = bytes[0];
    struct herd_text text = {fuzz_copy(bytes + 1, len - 1), len - 1};
    struct log_record record = {.time_ns = INT64_C(1520024000123456789),
                                .conn = how & CONN ? 7 : 0,
                                .what = how & BARE ? NULL : WHAT,
                                .what_len = how & BARE ? 0 : sizeof WHAT - 1,
                                .len = (uint16_t)text.len,
                                .level = how & LEVEL,
                                .kind = how & QUOTE ? LOG_MESSAGE : LOG_SUBJECT,
                                .cut = how & CUT};
    check(LOG_TEXT, &record, text, check_text, how);
    check(LOG_JSON, &record, text, check_json, how);
    free((char *)text.bytes);
    return 0;
}

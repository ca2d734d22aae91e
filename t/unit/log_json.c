/* A log of JSON: each line is one object, whatever bytes the event has, and the bytes come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "log_files.h"

#define EVENTS   3000
#define TEXT_MAX 8192

static uint64_t seed = 88172645463325252;

static unsigned char draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned char)(seed >> 24);
}

static void open_json(bool messages)
{
    struct log_config config = {
        .file = path, .json = true, .level = HERD_LOG_INFO, .messages = messages};
    struct herd_error err;

    if (!log_open(&config, &err))
        fail_msg("%s", err.text);
}

/* The line as an object, to be deleted; *line moves on. cJSON takes control bytes and broken UTF-8
 * for well, so these are looked for here. */
static cJSON *parse(const char **line)
{
    char *end = strchr(*line, '\n');
    const char *stopped = NULL;

    assert_non_null(end);
    *end = '\0';
    for (const char *p = *line; p < end; p++)
        assert_in_range(*p, ' ', '~');
    cJSON *object = cJSON_ParseWithOpts(*line, &stopped, false);
    assert_non_null(object);
    assert_ptr_equal(stopped, end);
    *line = end + 1;
    return object;
}

/* The bytes of a string that begins here, as the manual says they come back. */
static size_t decode(const char *from, unsigned char *to)
{
    size_t len = 0;

    assert_int_equal(*from, '"');
    for (from++; *from != '"'; from++) {
        unsigned byte = (unsigned char)*from;
        if (byte == '\\') {
            from++;
            if (*from == 'u') {
                assert_int_equal(sscanf(from, "u00%2x", &byte), 1);
                from += 4;
            } else {
                assert_true(*from == '"' || *from == '\\');
                byte = (unsigned char)*from;
            }
        }
        to[len++] = (unsigned char)byte;
    }
    return len;
}

static const char *string_of(const cJSON *object, const char *member)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, member));
}

static void has_the_members(void **unused)
{
    (void)unused;
    open_json(true);
    log_event(HERD_LOG_WARN, 7, "Said \"%s\"", "a\\b");
    log_message(UINT32_MAX, "Message received:", (struct herd_text){"YOLO", 4});
    log_subject(0, "Location updated for", (struct herd_text){"kiwi", 4});
    log_status("{\"server\":\"Goloman\",\"commands\":18446744073709551615}");
    log_flush();

    const char *line = content(path);
    assert_int_equal(count(line, "{\"time\":\"20"), 4);
    assert_int_equal(count(line, "Z\",\"level\":\"warn\",\"connection\":7,"
                                 "\"event\":\"Said \\\"a\\\\b\\\"\"}\n"),
                     1);
    assert_int_equal(count(line, "Z\",\"level\":\"info\",\"connection\":4294967295,"
                                 "\"event\":\"Message received\",\"text\":\"YOLO\"}\n"),
                     1);
    assert_int_equal(count(line, ",\"connection\":0,\"event\":\"Location updated for\","
                                 "\"text\":\"kiwi\"}\n"),
                     1);
    assert_int_equal(count(line, ",\"event\":\"Status\",\"status\":{\"server\":\"Goloman\","
                                 "\"commands\":18446744073709551615}}\n"),
                     1);
    for (int i = 0; i < 4; i++) {
        cJSON *object = parse(&line);
        assert_int_equal(strlen(string_of(object, "time")), 27);
        cJSON_Delete(object);
    }
    assert_string_equal(line, "");
}

static void gives_every_byte_back(void **unused)
{
    static unsigned char sent[EVENTS][300], back[6 * TEXT_MAX];
    static size_t len[EVENTS];

    (void)unused;
    open_json(true);
    for (int i = 0; i < EVENTS; i++) {
        /* Each byte alone, then more and more of any. */
        len[i] = i < 256 ? 1 : (size_t)i / 10;
        for (size_t k = 0; k < len[i]; k++)
            sent[i][k] = i < 256 ? (unsigned char)i : draw();
        log_message(1, "Message received:", (struct herd_text){(const char *)sent[i], len[i]});
    }
    log_flush();
    const char *line = content(path);
    for (int i = 0; i < EVENTS; i++) {
        const char *text = strstr(line, "\"text\":") + strlen("\"text\":");
        assert_int_equal(decode(text, back), len[i]);
        assert_memory_equal(back, sent[i], len[i]);
        cJSON_Delete(parse(&line));
    }
    assert_string_equal(line, "");
}

static void says_what_was_cut(void **unused)
{
    static char text[TEXT_MAX + 1];

    (void)unused;
    memset(text, '\xff', sizeof text);
    open_json(true);
    log_message(1, "Response sent:", (struct herd_text){text, TEXT_MAX});
    log_message(1, "Response sent:", (struct herd_text){text, TEXT_MAX + 1});
    log_event(HERD_LOG_INFO, 0, "%.*s", TEXT_MAX + 1, text);
    log_flush();
    const char *line = content(path);
    assert_int_equal(count(line, "\\u00ff"), 3 * TEXT_MAX);
    for (int i = 0; i < 3; i++) {
        cJSON *object = parse(&line);
        assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "cut")), i > 0);
        cJSON_Delete(object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(has_the_members, clean),
        cmocka_unit_test_teardown(gives_every_byte_back, clean),
        cmocka_unit_test_teardown(says_what_was_cut, clean),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("log_json", tests, make_folder, remove_folder);
}

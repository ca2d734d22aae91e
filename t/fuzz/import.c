/* A file that herd-places shall import, of each form: whatever is in it, reading comes to an end,
 * and what is handed on as a place lies on the earth and is an entry of JSON. And what is taken
 * apart as it comes in says the same as all of it at once: a FeatureCollection that is read to its
 * end without a complaint is JSON, and one that is JSON is not complained of for its grammar. The
 * input: a byte for the form, then the file. */
#include "fuzz.h"

#include "json.h"
#include "places/reader.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int file = -1;
static char path[64];

static void write_file(const uint8_t *bytes, size_t len)
{
    if (file < 0) {
        file = memfd_create("import", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    must(file >= 0 && ftruncate(file, 0) == 0);
    must(pwrite(file, bytes, len, 0) == (ssize_t)len);
}

static void check_place(const struct place *place, enum reader_format format)
{
    struct grown line = {0};
    struct herd_error err;
    must(place_on_earth(place->lat_deg, place->lon_deg));
    place_render(place, &line);
    must(!line.failed && line.len > 0);
    must(json_check((struct herd_text){line.bytes, line.len}, &err) || format == READER_CSV);
    free(line.bytes);
}

/* How it ended, and whether some record was bad for its grammar. */
static enum reader_result read_all(enum reader_format format, size_t len, bool *complained)
{
    struct source source;
    struct herd_error err = {.text = ""};
    must(source_open(&source, path, &err));
    struct reader reader = {.format = format, .source = &source};
    enum reader_result result = READER_PLACE;
    for (size_t rounds = 0; result == READER_PLACE || result == READER_BAD; rounds++) {
        struct place place;
        must(rounds <= len + 1);
        err.text[0] = '\0';
        result = reader_next(&reader, &place, &err);
        must((result == READER_BAD || result == READER_FAILED) == (err.text[0] != '\0'));
        if (result == READER_PLACE)
            check_place(&place, format);
        *complained |= result == READER_BAD && strncmp(err.text, "not a Feature", 13) != 0;
    }
    must(result != READER_END || source.len == 0);
    reader_fini(&reader);
    source_close(&source);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    bool complained = false;
    struct herd_error err = {.text = ""};
    if (len < 1 || len > SOURCE_RECORD_MAX)
        return 0;
    enum reader_format format = (enum reader_format)(bytes[0] % 3);
    write_file(bytes + 1, len - 1);
    enum reader_result result = read_all(format, len, &complained);
    if (format != READER_GEOJSON)
        return 0;
    bool good = json_check((struct herd_text){(const char *)bytes + 1, len - 1}, &err);
    if (result == READER_END && !complained)
        must(good || strstr(err.text, "nested") != NULL);
    must(!good || !complained);
    return 0;
}

/* Shows that the core's settings have the defaults and ranges of herd.conf(5), and that each
 * mistake in servers, adjacency and the rest is told with file, line and setting, word for word. */
#include "config_text.h"

static void has_the_defaults(void **state)
{
    (void)state;
    struct herd_error err;
    struct settings s;
    struct config *config = open_text(TWO, NULL);
    assert_true(settings_read(&s, config, &err));
    assert_int_equal(s.server_count, 2);
    assert_string_equal(s.servers[1].name, "b");
    assert_string_equal(s.servers[1].host, "127.0.0.1");
    assert_int_equal(s.servers[1].port, 1002);
    assert_int_equal(s.servers[1].peer_port, 2002);
    assert_int_equal(s.link_count, 0);
    assert_int_equal(s.workers, 0);
    assert_string_equal(s.pid_file, "");
    assert_int_equal(s.load_module_count, 0);
    assert_int_equal(s.limits.line_bytes, 4096);
    assert_int_equal(s.limits.commands, 0);
    assert_int_equal(s.limits.connections, 10000);
    assert_int_equal(s.limits.clients, 10000000);
    assert_int_equal(s.limits.memory_bytes, 0);
    assert_int_equal(s.limits.address_connections, 1000);
    assert_int_equal(s.limits.rate, 0);
    assert_int_equal(s.limits.buffers_bytes, 64 << 20);
    assert_int_equal(s.limits.idle_ns, INT64_C(900000000000));
    assert_int_equal(s.limits.max_ahead_ns, INT64_C(86400000000000));
    assert_int_equal(s.limits.forget_after_ns, 0);
    assert_string_equal(s.link.psk_file, "");
    assert_false(s.link.plaintext);
    assert_string_equal(s.log.file, "%n.log");
    assert_int_equal(s.log.level, HERD_LOG_INFO);
    assert_true(s.log.messages);
    assert_false(s.log.json);
    assert_string_equal(s.places.provider, "geojson");
    assert_int_equal(s.places.provider_count, 0);
    assert_int_equal(s.places.cache_bytes, 16 << 20);
    assert_true(s.places.max_radius_km == 50.0);
    assert_int_equal(s.places.max_items, 20);
    assert_false(s.places.max_inclusive);
    settings_free(&s);
    config_close(config);
}

static void makes_one_link_of_a_pair(void **state)
{
    (void)state;
    struct herd_error err;
    struct settings s;
    struct config *config = open_text(
        TWO "adjacency = ( { server = \"b\"; talks_to = [ \"a\", \"a\" ]; },\n"
            "{ server = \"a\"; talks_to = [ \"b\" ]; }, { server = \"b\"; talks_to = [ ]; } );",
        NULL);
    assert_true(settings_read(&s, config, &err));
    assert_int_equal(s.link_count, 1);
    assert_int_equal(s.links[0].dialler, 1);
    assert_int_equal(s.links[0].acceptor, 0);
    assert_int_equal(settings_server(&s, "b"), 1);
    assert_int_equal(settings_server(&s, "B"), -1);
    settings_free(&s);
    config_close(config);
}

static void finds_mistakes_in_servers(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {"", NULL, "h.conf: servers: missing or empty"},
        {"\nservers = ( );", NULL, "h.conf:2: servers: missing or empty"},
        {"servers = 1;", NULL, "h.conf:1: servers: must be a list of groups: ( { ... }, ... )"},
        {"servers = [ ];", NULL, "h.conf:1: servers: must be a list of groups: ( { ... }, ... )"},
        {"\nservers = ( 5 );", NULL, "h.conf:2: servers.[0]: must be a group: { ... }"},
        {"servers = (\n{ host = \"h\"; port = 1; } );", NULL,
         "h.conf:2: servers.[0].name: missing or empty"},
        {"servers = (\n{ name = \"x y\"; } );", NULL,
         "h.conf:2: servers.[0].name: a server's name has 1 to 64 bytes of [A-Za-z0-9._-]"},
        {"servers = ( {\nname = 5; } );", NULL,
         "h.conf:2: servers.[0].name: must be a string: \"...\""},
        {"servers = ( { name = \"a\"; host = \"h\"; port = 1; },\n{ host = \"h\";\nname = \"a\"; } "
         ");",
         NULL, "h.conf:3: servers.[1].name: servers.[0] is named a too"},
        {"servers = ( { name = \"a\"; port = 1; } );", NULL,
         "h.conf:1: servers.[0].host: missing or empty"},
        {"servers = ( { name = \"a\";\nhost = \"\"; } );", NULL,
         "h.conf:2: servers.[0].host: missing or empty"},
        {"servers = ( { name = \"a\"; host = \"a b\"; } );", NULL,
         "h.conf:1: servers.[0].host: a host has 1 to 255 printable bytes without blanks"},
        {"servers = ( { name = \"a\"; host = \"h\"; } );", NULL,
         "h.conf:1: servers.[0].port: missing"},
        {"servers = ( { name = \"a\"; host = \"h\"; port = 0; } );", NULL,
         "h.conf:1: servers.[0].port: 0 is not within 1 to 65535"},
        {"servers = ( { name = \"a\"; host = \"h\"; port = 65536; } );", NULL,
         "h.conf:1: servers.[0].port: 65536 is not within 1 to 65535"},
        {"servers = ( { name = \"a\"; host = \"h\"; port = \"80\"; } );", NULL,
         "h.conf:1: servers.[0].port: must be an integer"},
        {"servers = ( { name = \"a\"; host = \"h\"; port = 80.0; } );", NULL,
         "h.conf:1: servers.[0].port: must be an integer"},
        {"servers = ( { name = \"a\"; host = \"h\"; port = 80; peer_port = -1; } );", NULL,
         "h.conf:1: servers.[0].peer_port: -1 is not within 0 to 65535"},
        {"servers = ( { name = \"a\"; host = \"h\"; port = 80;\nprot = 80; } );", NULL,
         "h.conf:2: servers.[0].prot: unknown setting"},
        {TWO, "servers = ( { name = \"a\";\nhost = \"h\"; port = 70000; } );",
         "-g:2: servers.[0].port: 70000 is not within 1 to 65535"},
    };
    EXPECT(cases);
}

#define PORTS(host1, port1, host2, port2)                                                          \
    "servers = ( { name = \"a\"; host = \"" host1 "\"; port = " port1 "; },\n"                     \
    "{ name = \"b\"; host = \"" host2 "\"; port = " port2 "; } );"

static void finds_ports_taken_twice(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {PORTS("h", "80", "h", "81"), NULL, ""},
        {PORTS("h", "80", "i", "80"), NULL, ""},
        {PORTS("127.0.0.1", "80", "127.0.0.2", "80"), NULL, ""},
        {PORTS("h", "80", "H", "80"), NULL,
         "h.conf:2: servers.[1].port: H:80 is taken by servers.[0].port"},
        {PORTS("h", "80; peer_port = 81", "h", "81"), NULL,
         "h.conf:2: servers.[1].port: h:81 is taken by servers.[0].peer_port"},
        {PORTS("h", "80; peer_port = 80", "h", "81"), NULL,
         "h.conf:1: servers.[0].peer_port: h:80 is taken by servers.[0].port"},
        {PORTS("0.0.0.0", "80", "10.1.2.3", "80"), NULL,
         "h.conf:2: servers.[1].port: 10.1.2.3:80 is taken by servers.[0].port"},
        {PORTS("::1", "80", "*", "80"), NULL,
         "h.conf:2: servers.[1].port: *:80 is taken by servers.[0].port"},
        {PORTS("::", "80", "h", "80"), NULL,
         "h.conf:2: servers.[1].port: h:80 is taken by servers.[0].port"},
        {PORTS("localhost", "80", "::ffff:127.0.0.1", "80"), NULL,
         "h.conf:2: servers.[1].port: ::ffff:127.0.0.1:80 is taken by servers.[0].port"},
        {PORTS("0:0::1", "80", "::1", "80"), NULL,
         "h.conf:2: servers.[1].port: ::1:80 is taken by servers.[0].port"},
    };
    EXPECT(cases);
}

#define LINK(talks) "adjacency = (\n{ server = \"a\";\n talks_to = " talks "; } );"
#define REMOTE(host1, host2)                                                                       \
    "servers = ( { name = \"a\"; host = \"" host1 "\"; port = 1; peer_port = 2; },\n"              \
    "{ name = \"b\"; host = \"" host2 "\"; port = 3; peer_port = 4; } );\n" LINK("[ \"b\" ]")

static void finds_mistakes_in_adjacency(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {TWO LINK("[ \"b\" ]"), NULL, ""},
        {TWO LINK("[ \"b\", \"c\" ]"), NULL,
         "h.conf:7: adjacency.[0].talks_to.[1]: no server is named \"c\""},
        {TWO LINK("[ \"a\" ]"), NULL,
         "h.conf:7: adjacency.[0].talks_to.[0]: a would talk to itself"},
        {TWO LINK("\"b\""), NULL,
         "h.conf:7: adjacency.[0].talks_to: must be an array of strings: [ \"...\" ]"},
        {TWO LINK("[ 1 ]"), NULL,
         "h.conf:7: adjacency.[0].talks_to: must be an array of strings: [ \"...\" ]"},
        {TWO "adjacency = ( { server = \"z\"; } );", NULL,
         "h.conf:5: adjacency.[0].server: no server is named \"z\""},
        {TWO "adjacency = (\n{ } );", NULL, "h.conf:6: adjacency.[0].server: missing or empty"},
        {TWO "adjacency = { };", NULL,
         "h.conf:5: adjacency: must be a list of groups: ( { ... }, ... )"},
        {TWO "adjacency = ( { server = \"a\"; talk_to = [ \"b\" ]; } );", NULL,
         "h.conf:5: adjacency.[0].talk_to: unknown setting"},
        {"servers = ( { name = \"a\"; host = \"::1\"; port = 1; peer_port = 2; },\n"
         "{ name = \"b\"; host = \"::1\"; port = 3; } );\n" LINK("[ \"b\" ]"),
         NULL, "h.conf:2: servers.[1].peer_port: missing, and b has neighbours"},
        {REMOTE("127.9.9.9", "LocalHost"), NULL, ""},
        {REMOTE("::1", "10.0.0.1"), NULL,
         "h.conf:2: servers.[1].host: 10.0.0.1 is no loopback address, and the link to a would be "
         "plain; give it keys (link.psk_file) or certificates, or allow that by link.plaintext = "
         "true"},
        {REMOTE("0.0.0.0", "127.0.0.1"), NULL,
         "h.conf:1: servers.[0].host: 0.0.0.0 is no loopback address, and the link to b would be "
         "plain; give it keys (link.psk_file) or certificates, or allow that by link.plaintext = "
         "true"},
        {REMOTE("127.0.0.1", "no-such-host.invalid"), NULL,
         "h.conf:2: servers.[1].host: no-such-host.invalid is no loopback address, and the link to "
         "a would be plain; give it keys (link.psk_file) or certificates, or allow that by "
         "link.plaintext = true"},
        {REMOTE("127.0.0.1.example.org", "10.0.0.1"), "link = { plaintext = true; };", ""},
        {REMOTE("127.0.0.1", "10.0.0.1"), "link = { psk_file = \"k\"; };", ""},
    };
    EXPECT(cases);
}

static void finds_mistakes_in_limits(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {TWO "limits = 1;", NULL, "h.conf:5: limits: must be a group: { ... }"},
        {TWO "limits: { line = 4096; };", NULL, "h.conf:5: limits.line: must be a string: \"...\""},
        {TWO "limits: { line = \"4K\"; };", NULL,
         "h.conf:5: limits.line: \"4K\" is no size, such as \"512\", \"4k\" or \"2g\""},
        {TWO "limits: { line = \"127\"; };", NULL,
         "h.conf:5: limits.line: must be \"128\" to \"64k\""},
        {TWO "limits: { line = \"65537\"; };", NULL,
         "h.conf:5: limits.line: must be \"128\" to \"64k\""},
        {TWO "limits: { memory = \"1023k\"; };", NULL,
         "h.conf:5: limits.memory: must be \"0\" (no limit), or \"1m\" to \"1048576g\""},
        {TWO "limits: { unread = \"1023\"; };", NULL,
         "h.conf:5: limits.unread: must be \"1k\" to \"16m\""},
        {TWO "limits: { buffers = \"1k\"; };", NULL,
         "h.conf:5: limits.buffers: must be \"0\" (no limit), or \"64k\" to \"1048576g\""},
        {TWO "limits: { line_time = \"36501d\"; };", NULL,
         "h.conf:5: limits.line_time: must be at most \"36500d\""},
        {TWO "limits: { address_connections = -1; };", NULL,
         "h.conf:5: limits.address_connections: -1 is not within 0 to 1000000"},
        {TWO "limits: { burst = 0; };", NULL,
         "h.conf:5: limits.burst: 0 is not within 1 to 1000000"},
        {TWO "limits: { id = 1025; };", NULL, "h.conf:5: limits.id: 1025 is not within 1 to 1024"},
        {TWO "limits: {\n commands = -1; };", NULL,
         "h.conf:6: limits.commands: -1 is not within 0 to 999999999"},
        {TWO "limits: { connections = 0; };", NULL,
         "h.conf:5: limits.connections: 0 is not within 1 to 1000000"},
        {TWO "limits: { clients = 0; };", NULL,
         "h.conf:5: limits.clients: 0 is not within 1 to 999999999"},
        {TWO "limits: { idle = \"15 m\"; };", NULL,
         "h.conf:5: limits.idle: \"15 m\" is no time, such as \"500ms\", \"30s\" or \"15m\""},
        {TWO "limits: { max_ahead = \"36501d\"; };", NULL,
         "h.conf:5: limits.max_ahead: must be at most \"36500d\""},
        {TWO "limits: { forget_after = \"\"; };", NULL,
         "h.conf:5: limits.forget_after: \"\" is no time, such as \"500ms\", \"30s\" or \"15m\""},
    };
    EXPECT(cases);
}

static void finds_mistakes_in_the_rest(void **state)
{
    (void)state;
    static const struct wrong cases[] = {
        {TWO "workers = 257;", NULL, "h.conf:5: workers: 257 is not within 0 to 256"},
        {TWO "pid_file = 1;", NULL, "h.conf:5: pid_file: must be a string: \"...\""},
        {TWO "load_modules = \"x\";", NULL,
         "h.conf:5: load_modules: must be an array of strings: [ \"...\" ]"},
        {TWO "link: { psk_file = \"k\"; ca_file = \"k\"; };", NULL,
         "h.conf:5: link.psk_file: links have either keys or certificates, not both"},
        {TWO "link: { cert_file = \"k\"; };", NULL,
         "h.conf:5: link.key_file: missing, and there is a cert_file"},
        {TWO "link: { key_file = \"k\"; };", NULL,
         "h.conf:5: link.cert_file: missing, and there is a key_file"},
        {TWO "link: { ca_file = \"k\"; };", NULL,
         "h.conf:5: link.cert_file: missing, and there is a ca_file"},
        {TWO "link: { cert_file = \"k\"; key_file = \"k\"; };", NULL,
         "h.conf:5: link.ca_file: missing, and there is a cert_file"},
        {TWO "tls: { cert_file = \"k\"; };", NULL,
         "h.conf:5: tls.key_file: missing, and there is a cert_file"},
        {TWO "tls: { key_file = \"k\"; };", NULL,
         "h.conf:5: tls.cert_file: missing, and there is a key_file"},
        {TWO "link: { plaintext = 1; };", NULL, "h.conf:5: link.plaintext: must be true or false"},
        {TWO "log: { file = \"\"; };", NULL,
         "h.conf:5: log.file: must not be empty; \"-\" is standard error"},
        {TWO "log: { level = \"loud\"; };", NULL,
         "h.conf:5: log.level: must be \"debug\", \"info\", \"warn\" or \"error\""},
        {TWO "log: { messages = \"true\"; };", NULL,
         "h.conf:5: log.messages: must be true or false"},
        {TWO "log: { format = \"xml\"; };", NULL,
         "h.conf:5: log.format: must be \"text\" or \"json\""},
        {TWO "places: { provider = \"\"; };", NULL,
         "h.conf:5: places.provider: must be the name of a provider"},
        {TWO "places: { providers = [\"a\", \"\"]; };", NULL,
         "h.conf:5: places.providers: must be names of providers"},
        {TWO "places: { provider = \"a\"; providers = [\"a\"]; };", NULL,
         "h.conf:5: places.providers: there is a provider too; name one, or several"},
        {TWO "places: { providers = \"a\"; };", NULL,
         "h.conf:5: places.providers: must be an array of strings: [ \"...\" ]"},
        {TWO "places: { cache = \"1048577g\"; };", NULL,
         "h.conf:5: places.cache: must be at most \"1048576g\""},
        {TWO "places: { max_radius_km = 0; };", NULL,
         "h.conf:5: places.max_radius_km: 0 is not within 0.001 to 20100"},
        {TWO "places: { max_radius_km = \"1\"; };", NULL,
         "h.conf:5: places.max_radius_km: must be a number"},
        {TWO "places: { max_radius_km = 1e999; };", NULL,
         "h.conf:5: places.max_radius_km: inf is not within 0.001 to 20100"},
        {TWO "places: { max_items = 61; };", NULL,
         "h.conf:5: places.max_items: 61 is not within 1 to 60"},
        {TWO "places: { max_inclusive = 0; };", NULL,
         "h.conf:5: places.max_inclusive: must be true or false"},
    };
    EXPECT(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_defaults),
        cmocka_unit_test(makes_one_link_of_a_pair),
        cmocka_unit_test(finds_mistakes_in_servers),
        cmocka_unit_test(finds_ports_taken_twice),
        cmocka_unit_test(finds_mistakes_in_adjacency),
        cmocka_unit_test(finds_mistakes_in_limits),
        cmocka_unit_test(finds_mistakes_in_the_rest),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("settings", tests, make_dir, remove_dir);
}

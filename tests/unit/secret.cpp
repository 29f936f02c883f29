#include "redact/redact.hpp"
#include <corun/secret.hpp>

#include <boost/test/unit_test.hpp>
#include <malloc.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

// Watches what `operator delete` gets: how many freed blocks still held the marker. Not its first character, which
// `std::string::clear` overwrites.
constexpr std::string_view short_marker = "SHORTMARKER";
constexpr std::string_view marker = "MARKER-0123456789-abcdefghijklmnopqrstuvwxyz";
bool watching = false;
std::size_t blocks_with_marker = 0;

void release(void* block) noexcept {
    const std::size_t size = ::malloc_usable_size(block);
    const std::string_view bytes(static_cast<const char*>(block), size);
    if (watching && (bytes.find(marker.substr(1)) != bytes.npos || bytes.find(short_marker.substr(1)) != bytes.npos))
        ++blocks_with_marker;
    std::free(block);
}

template <class Action>
std::size_t freed_blocks_with_marker(Action action) {
    blocks_with_marker = 0;
    watching = true;
    action();
    watching = false;
    return blocks_with_marker;
}

/// True when none of the object's bytes holds the text: its small buffer, in practice.
bool object_bytes_hold(const void* object, std::size_t size, std::string_view text) {
    return std::string_view(static_cast<const char*>(object), size).find(text) != std::string_view::npos;
}

std::string printed(const corun::secret& value) {
    std::ostringstream out;
    out << value;
    return out.str();
}

}  // namespace

void* operator new(std::size_t size) {
    if (void* block = std::malloc(size)) return block;
    throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
    release(block);
}
void operator delete(void* block, std::size_t) noexcept {
    release(block);
}

BOOST_AUTO_TEST_SUITE(secret)

BOOST_AUTO_TEST_CASE(the_watch_sees_a_plain_string_leave_its_text_behind) {
    BOOST_TEST(freed_blocks_with_marker([] { std::string text(marker); }) == 1u);
}

BOOST_AUTO_TEST_CASE(zeroes_its_memory_when_destroyed) {
    BOOST_TEST(freed_blocks_with_marker([] { corun::secret token(marker); }) == 0u);
}

BOOST_AUTO_TEST_CASE(zeroes_its_memory_when_assigned) {
    BOOST_TEST(freed_blocks_with_marker([] {
                   corun::secret token(marker);
                   token = corun::secret("short");
                   corun::secret copied(marker);
                   const corun::secret longer(std::string(1000, 'x'));
                   copied = longer;
                   corun::secret kept(marker);
                   kept = std::as_const(kept);
               }) == 0u);
}

BOOST_AUTO_TEST_CASE(zeroes_its_memory_when_copied_moved_and_held) {
    BOOST_TEST(freed_blocks_with_marker([] {
                   corun::secret first(marker);
                   corun::secret second = first;
                   std::optional<corun::secret> held = std::move(first);
                   held.reset();
                   std::string own = std::string(marker);
                   corun::secret third(std::move(own));
               }) == 0u);
}

BOOST_AUTO_TEST_CASE(zeroes_its_memory_when_a_vector_of_them_grows_shrinks_and_is_sorted) {
    // Short texts lie in the vector's own storage.
    BOOST_TEST(freed_blocks_with_marker([] { std::vector<std::string> plain{std::string(short_marker)}; }) > 0u);
    BOOST_TEST(freed_blocks_with_marker([] {
                   std::vector<corun::secret> many;
                   for (int i = 0; i < 20; ++i) many.emplace_back(i % 2 ? marker : short_marker);
                   many.erase(many.begin(), many.begin() + 5);
                   many.shrink_to_fit();
                   std::sort(many.begin(), many.end(),
                             [](const auto& a, const auto& b) { return a.reveal() < b.reveal(); });
                   std::swap(many.front(), many.back());
               }) == 0u);
}

BOOST_AUTO_TEST_CASE(zeroes_a_short_text_inside_the_object_when_destroyed) {
    alignas(corun::secret) unsigned char storage[sizeof(corun::secret)];
    auto* token = std::construct_at(reinterpret_cast<corun::secret*>(storage), "short-token");
    BOOST_REQUIRE(object_bytes_hold(storage, sizeof storage, "short-token"));
    std::destroy_at(token);
    BOOST_TEST(!object_bytes_hold(storage, sizeof storage, "short-token"));
    BOOST_TEST(!object_bytes_hold(storage, sizeof storage, "token"));
}

BOOST_AUTO_TEST_CASE(zeroes_what_it_was_moved_from) {
    for (const std::string_view text : {std::string_view("short-token"), marker}) {
        corun::secret from(text);
        const corun::secret to(std::move(from));
        BOOST_TEST(to.reveal() == text);
        BOOST_TEST(from.empty());
        BOOST_TEST(!object_bytes_hold(&from, sizeof from, "hort-token"));

        corun::secret other(text);
        corun::secret assigned;
        assigned = std::move(other);
        BOOST_TEST(assigned.reveal() == text);
        BOOST_TEST(other.empty());
        BOOST_TEST(!object_bytes_hold(&other, sizeof other, "hort-token"));
    }
}

BOOST_AUTO_TEST_CASE(zeroes_the_string_it_takes_over) {
    std::string text = "short-token";
    const corun::secret token(std::move(text));
    BOOST_TEST(token.reveal() == "short-token");
    BOOST_TEST(text.empty());
    BOOST_TEST(!object_bytes_hold(&text, sizeof text, "token"));
}

BOOST_AUTO_TEST_CASE(leaves_the_string_it_copies_alone) {
    const std::string text = "short-token";
    const corun::secret token(text);
    BOOST_TEST(text == "short-token");
    BOOST_TEST(token.reveal() == text);
}

BOOST_AUTO_TEST_CASE(survives_moving_to_itself) {
    corun::secret token(marker);
    corun::secret& same = token;
    token = std::move(same);
    BOOST_TEST(token.reveal() == marker);
}

BOOST_AUTO_TEST_CASE(wipe_zeroes_the_whole_capacity) {
    std::string text;
    text.reserve(200);
    text.assign(150, 'a');
    text.resize(40);  // The rest of the 150 lies beyond the size now.
    const char* storage = text.data();
    const std::size_t capacity = text.capacity();
    corun::wipe(text);
    BOOST_TEST(text.empty());
    BOOST_REQUIRE(text.capacity() == capacity);
    text.resize(1);  // Tells the sanitizer that reading the storage is meant.
    BOOST_REQUIRE(text.data() == storage);
    BOOST_TEST(std::all_of(storage, storage + capacity, [](char c) { return c == '\0'; }));
}

BOOST_AUTO_TEST_CASE(prints_stars_whatever_it_holds) {
    BOOST_TEST(printed("token") == "***");
    BOOST_TEST(printed(std::string(1000, 'x')) == "***");
    BOOST_TEST(printed(corun::secret()) == "");
}

BOOST_AUTO_TEST_CASE(compares_by_its_text) {
    BOOST_TEST((corun::secret("a") == corun::secret("a")));
    BOOST_TEST(!(corun::secret("a") == corun::secret("b")));
}

static_assert(std::is_nothrow_move_constructible_v<corun::secret>);
static_assert(!std::is_convertible_v<corun::secret, std::string>);
static_assert(!std::is_convertible_v<corun::secret, std::string_view>);
// It does not get into a dump of JSON, nor into a text by `std::string`'s constructors.
static_assert(!std::is_constructible_v<nlohmann::json, corun::secret>);
static_assert(!std::is_constructible_v<std::string, corun::secret>);

BOOST_AUTO_TEST_CASE(is_hidden_wherever_it_is_echoed) {
    corun::detail::redactor secrets;
    for (const char* value : {"Bearer abc", "Basic   a+b/c=", "key\"with\\marks", "Jos\xc3\xa9 \xf0\x9f\x94\x91", "ab",
                              "", "abc", "Bearer abcdef", "Token ", "end\\", "\x80\x80yz"})
        secrets.add(corun::secret(value));
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"", ""},
        {"nothing to hide", "nothing to hide"},
        {"Invalid header value 'Bearer abc'", "Invalid header value '***'"},
        {"abc", "***"},
        {"an abc+def!", "an ***+def!"},
        {R"(an \u0061bc!)", "an ***!"},
        {"xabcabc y", "x****** y"},
        {"the scheme Bearer stays", "the scheme Bearer stays"},
        // The longest of those that match.
        {"Bearer abcdef.", "***."},
        {"abcdef.", "***."},
        {"Basic   a+b/c=", "***"},
        {"a+b/c=", "***"},
        // Too short: all of the text would go.
        {"ab", "ab"},
        // As JSON writes it, once and inside a string of JSON.
        {R"({"said":"a\u002Bb\/c\u003d"})", R"({"said":"***"})"},
        {R"({"said":"{\"token\":\"a\\u002bb\\\/c=\"}"})", R"({"said":"{\"token\":\"***\"}"})"},
        {R"(key"with\marks)", "***"},
        {R"("key\"with\\marks")", R"("***")"},
        {R"(key\u0022with\u005cmarks)", "***"},
        {"Jos\xc3\xa9 \xf0\x9f\x94\x91!", "***!"},
        {R"(Jos\u00e9 \ud83d\udd11!)", "***!"},
        {R"(\u0080yz)", "***"},
        {R"(Jos\u00zz)", R"(Jos\u00zz)"},
        {R"(an end\)", "an ***"},
        {R"(a\)", R"(a\)"},
        {R"(a\u002)", R"(a\u002)"},
    };
    for (const auto& [text, expected] : rows) BOOST_TEST(secrets.redacted(text) == expected, text);
    BOOST_TEST(corun::detail::redactor().redacted("Bearer abc") == "Bearer abc");
}

BOOST_AUTO_TEST_CASE(is_hidden_whole_where_a_text_is_cut) {
    corun::detail::redactor secrets;
    secrets.add(corun::secret("Bearer abc"));
    const std::string text = "1234 Bearer abc 5678";
    BOOST_TEST(secrets.redacted(text, 4) == "1234");
    for (std::size_t limit = 6; limit <= 15; ++limit) BOOST_TEST(secrets.redacted(text, limit) == "1234 ***");
    BOOST_TEST(secrets.redacted(text, 16) == "1234 *** ");
    BOOST_TEST(secrets.redacted(text, 100) == "1234 *** 5678");
}

BOOST_AUTO_TEST_CASE(is_hidden_in_all_that_an_error_says) {
    corun::detail::redactor secrets;
    secrets.add(corun::secret("Bearer abc"));
    corun::diagnostics details;
    details.message = details.request_id = details.service_code = details.service_message = details.body = "an abc";
    secrets.redact(details);
    for (const std::string& text :
         {details.message, details.request_id, details.service_code, details.service_message, details.body})
        BOOST_TEST(text == "an ***");
    corun::last_error said;
    said.code = said.message = "an abc";
    secrets.redact(said);
    BOOST_TEST(said.code == "an ***");
    BOOST_TEST(said.message == "an ***");
}

BOOST_AUTO_TEST_SUITE_END()

#include "cli/markdown/characters.hpp"
#include "cli/markdown/renderer.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace markdown = corun::cli::markdown;

/// A terminal that notes whether anything that it shows is replaced.
struct paper {
    void write(std::string_view part) {
        for (std::size_t at = 0; at < part.size(); ++at) {
            if (part[at] == '\x1b') {
                const std::size_t end = part.find_first_not_of("[0123456789;", at + 1);
                // Styles may change; the cursor moves forward only.
                if (end == part.npos || part[end] != 'm') ++rewritten;
                styles.append(part.substr(at, end + 1 - at));
                at = end;
            } else if (part[at] == '\r' || part[at] == '\b') {
                ++rewritten;
            } else {
                text += part[at];
            }
        }
    }
    std::string text, styles;
    int rewritten = 0;
};

/// What a terminal of some columns shows of a source that arrives in parts of `size` bytes.
paper shown(std::string_view source, int columns, std::size_t size = 1, bool styles = false) {
    paper sheet;
    markdown::layout_options options;
    options.styles = styles;
    options.columns = [columns] { return columns; };
    markdown::renderer stream(options, [&sheet](std::string_view part) { sheet.write(part); });
    for (std::size_t at = 0; at < source.size(); at += size) stream.write(source.substr(at, size));
    stream.end();
    return sheet;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines{""};
    for (const char c : text) {
        if (c == '\n')
            lines.emplace_back();
        else
            lines.back() += c;
    }
    return lines;
}

constexpr std::string_view answer = R"(# Seats on the **night** train

Here is *what I found* about row 14, with a sentence that is long enough to be wrapped, `code` in it, and a
[link](https://example.org/seats).

1. First, check the `plan`:
   ```sh
   corun run "Is 14A free?"

     indented
   ```
2. Then **book** it
   - nested
   - nested, with more words than fit into one line of a narrow terminal

| Seat | Side   |
|------|--------|
| 14A  | window |
| 14B  | aisle  |

```cpp
int main() {}
```
After it: snake_case_name, 2 * 3 * 4, [1] and ~5 minutes.
- [ ] open
- [x] done

> A quotation that goes on until it is wrapped, too.

---
日本語のテキストは空白なしで折り返されます。 &amp; &#8364;
)";

// ---------------------------------------------------------------- Looks

BOOST_AUTO_TEST_CASE(shows_each_kind_of_block) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"one\ntwo", "one two\n"},
        {"one  \ntwo", "one\ntwo\n"},
        {"one\n\ntwo", "one\n\ntwo\n"},
        {"# Head\ntext", "# Head\n\ntext\n"},
        {"a **b** *c* ~~d~~ `e`", "a b c d `e`\n"},
        {"[text](https://a.example/)", "text (https://a.example/)\n"},
        {"see https://a.example/ now", "see https://a.example/ now\n"},
        {"![alt](https://a.example/i.png)", "alt (https://a.example/i.png)\n"},
        {"- a\n- b\n  - c\n\ntext", "• a\n• b\n  • c\n\ntext\n"},
        {"text:\n- a", "text:\n• a\n"},
        {"- a\n\n  second", "• a\n\n  second\n"},
        {"1. a\n1. b\n7. c", "1. a\n2. b\n3. c\n"},
        {"9. a\n10. b", "9. a\n10. b\n"},
        {"- [ ] a\n- [x] b", "[ ] a\n[x] b\n"},
        {"> a\n> b", "> a b\n"},
        {"```sh\na  b\n\n  c\n```\ntext", "a  b\n\n  c\n\ntext\n"},
        {"- a\n  ```\n  b\n\n  c\n  ```", "• a\n  b\n\n  c\n"},
        {"a\n\n---\n\nb", "a\n\n────────────────────────────────────────\n\nb\n"},
        {"| A | B |\n|---|---|\n| 1 | **22** |", "A  B\n─  ──\n1  22\n"},
        {"a &lt;b&gt; &#65;&#x42; &unknown;", "a <b> AB &unknown;\n"},
        {"<b>html</b>", "<b>html</b>\n"},
        {R"(\*a\* 2 * 3 a_b_c)", "*a* 2 * 3 a_b_c\n"},
        {"**not closed", "**not closed\n"},
        {"", ""},
    };
    for (const auto& [source, expected] : cases) {
        BOOST_TEST_CONTEXT(source) {
            BOOST_TEST(shown(source, 60).text == expected);
            BOOST_TEST(shown(source, 60, 1000).text == expected);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_rule_below_a_paragraph_makes_no_heading_of_it) {
    BOOST_TEST(shown("text\n---\nmore", 3).text == "text\n\n───\n\nmore\n");
}

BOOST_AUTO_TEST_CASE(styles_are_escape_codes_and_nothing_else_is) {
    const paper sheet = shown("**b** `c`", 40, 1, true);
    BOOST_TEST(sheet.text == "b c\n");
    BOOST_TEST(sheet.styles == "\x1b[0;1m\x1b[0m\x1b[0;36m\x1b[0m");
    BOOST_TEST(shown(answer, 40).styles == "");
}

BOOST_AUTO_TEST_CASE(a_table_that_does_not_fit_is_a_list_of_records) {
    constexpr std::string_view table = "| Seat | Side |\n|---|---|\n| 14A | by the window |\n| 14B | aisle |";
    BOOST_TEST(shown(table, 20).text == "Seat  Side\n────  ─────────────\n14A   by the window\n14B   aisle\n");
    BOOST_TEST(shown(table, 14).text == "Seat: 14A\nSide: by the\nwindow\n\nSeat: 14B\nSide: aisle\n");
}

BOOST_AUTO_TEST_CASE(lines_are_no_wider_than_the_terminal) {
    for (const int columns : {20, 40, 80, 200}) {
        for (const std::string& line : lines_of(shown(answer, columns).text)) {
            const bool is_one_word = line.find(' ', line.find_first_not_of(' ')) == std::string::npos;
            const bool is_code = line.find("corun run") != std::string::npos;
            BOOST_TEST((markdown::columns_of(line) <= columns || is_one_word || is_code), line << " at " << columns);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_copy_of_the_text_is_clean) {
    for (const int columns : {20, 40, 80, 200})
        for (const std::string& line : lines_of(shown(answer, columns).text))
            BOOST_TEST(!line.ends_with(' '), "'" << line << "'");
    BOOST_TEST(shown("```\nlong line of code\n```", 6).text == "long line of code\n");
}

BOOST_AUTO_TEST_CASE(wide_characters_count_as_two_columns) {
    BOOST_TEST(markdown::columns_of("a日é\xf0\x9f\x98\x80") == 6);
    BOOST_TEST(markdown::columns_of("e\xcc\x81\xff") == 2);
    BOOST_TEST(shown("日本語の本", 4).text == "日本\n語の\n本\n");
}

BOOST_AUTO_TEST_CASE(an_emoji_of_several_characters_is_never_broken) {
    const std::string family = "\U0001f469\u200d\U0001f469\u200d\U0001f467", heart = "\u2764\ufe0f\u200d\U0001f525",
                      hand = "\U0001f44b\U0001f3fd", flag = "\U0001f1f3\U0001f1f4";
    for (const std::string& emoji : {family, heart, hand, flag})
        for (const int columns : {6, 7, 8, 9, 10, 11})
            for (const std::size_t size : std::initializer_list<std::size_t>{1, 5, 100})
                for (const std::string& line :
                     lines_of(shown("a " + emoji + " b" + emoji + emoji + " c", columns, size).text)) {
                    std::string rest = line;
                    for (auto at = rest.find(emoji); at != rest.npos; at = rest.find(emoji))
                        rest.erase(at, emoji.size());
                    BOOST_TEST(rest.find_first_not_of("abc ") == rest.npos, line);
                }
}

BOOST_AUTO_TEST_CASE(no_entity_is_a_character_that_a_terminal_obeys) {
    for (const char* entity :
         {"&#0;", "&#27;", "&#x1b;", "&#127;", "&#x9b;", "&#x202e;", "&#x2066;", "&#xd800;", "&#x110000;"})
        BOOST_TEST(shown(entity, 40).text == "\ufffd\n", entity);
    BOOST_TEST(shown("&#65;&#xe9;&#x200f;&#x1f600;", 40).text == "A\u00e9\u200f\U0001f600\n");
}

BOOST_AUTO_TEST_CASE(a_table_may_have_short_rules) {
    for (const char* rule : {"|-|-|", "| - | - |", "|--|--|", "|:-|-:|", "|---|-|", "|-|-|\r"})
        for (const std::size_t size : std::initializer_list<std::size_t>{1, 3, 100}) {
            const std::string source = "|a|b|\n" + std::string(rule) + "\n|1|2|\n|-|--|\n\nend";
            BOOST_TEST(shown(source, 40, size).text == "a  b\n─  ──\n1  2\n-  --\n\nend\n", rule);
        }
    BOOST_TEST(shown("|a|b|\n|1|2|\n", 40).text == "|a|b| |1|2|\n");
}

// ---------------------------------------------------------------- Streaming

BOOST_AUTO_TEST_CASE(nothing_that_is_shown_is_ever_rewritten) {
    for (const int columns : {40, 80, 200})
        for (const std::size_t size : std::initializer_list<std::size_t>{1, 3, 17})
            BOOST_TEST(shown(answer, columns, size, true).rewritten == 0);
}

BOOST_AUTO_TEST_CASE(the_parts_in_which_a_text_arrives_make_no_difference) {
    std::mt19937 random(1);
    for (const int columns : {20, 40, 80, 200}) {
        const std::string whole = shown(answer, columns, answer.size()).text;
        for (const std::size_t size : std::initializer_list<std::size_t>{1, 2, 3, 5, 8, 13, 100})
            BOOST_TEST(shown(answer, columns, size).text == whole);
    }
    // Lines of the answer in any order.
    std::vector<std::string> lines = lines_of(std::string(answer));
    for (int turn = 0; turn < 200; ++turn) {
        std::string source;
        for (int each = 0; each < 8; ++each) source += lines[random() % lines.size()] + (random() % 3 ? "\n" : "\n\n");
        BOOST_TEST(shown(source, 40, 1).text == shown(source, 40, source.size()).text, source);
    }
}

/// What models write, and what makes it hard.
constexpr std::string_view fragments[] = {
    "word ",   "a",    "**",    "*",     "_",          "__",   "***",       "`",   "``",          "~~",
    "~",       "\n",   "\n\n",  "\r\n",  "  ",         "    ", "\t",        "# ",  "#",           "1. ",
    "2. ",     "10) ", "- ",    "+ ",    "- [ ] ",     "> ",   "```\n",     "~~~", "| a | b |\n", "|---|---|\n",
    "|",       "[",    "](u)",  "](",    "![",         "!",    "<b>",       "<",   "&amp;",       "&",
    "&#8364;", "\\",   "---\n", "===\n", "snake_case", "日本", "e\xcc\x81", "x",   "2 * 3",       "http://x.y/z ",
    ":",       "."};

BOOST_AUTO_TEST_CASE(no_source_depends_on_the_parts_in_which_it_arrives) {
    const char* const seed = std::getenv("CORUN_SEED");
    const char* const turns = std::getenv("CORUN_TURNS");
    const unsigned first = seed ? static_cast<unsigned>(std::stoul(seed)) : 1;
    const unsigned count = turns ? static_cast<unsigned>(std::stoul(turns)) : 100;
    for (unsigned turn = first; turn != first + count; ++turn) {
        std::mt19937 random(turn);
        std::string source;
        for (auto left = 3 + random() % 14; left > 0; --left) source += fragments[random() % std::size(fragments)];
        const int columns = std::array{8, 20, 40, 80}[random() % 4];
        const std::string whole = shown(source, columns, source.size()).text;
        for (const std::size_t size : std::initializer_list<std::size_t>{1, 2, 3, 7})
            BOOST_TEST(shown(source, columns, size).text == whole, "CORUN_SEED=" << turn << ": " << source);
    }
}

BOOST_AUTO_TEST_CASE(a_long_paragraph_is_the_same_in_any_parts) {
    for (unsigned seed = 1; seed != 40; ++seed) {
        std::mt19937 random(seed);
        std::string source;
        const std::size_t size = 200 + random() % 1500;
        while (source.size() < size) {
            const char letter = static_cast<char>('a' + random() % 26);
            source += std::string(1 + random() % 9, letter);
            const auto kind = random() % 30;
            source += kind < 2 ? ", **bold words** and `code`. " : kind < 4 ? "\n" : kind == 4 ? "   " : " ";
        }
        const std::string whole = shown(source, 60, source.size(), true).text;
        for (const std::size_t part : std::initializer_list<std::size_t>{1, 4, 50})
            BOOST_TEST(shown(source, 60, part, true).text == whole, "seed " << seed << ": " << source);
    }
}

BOOST_AUTO_TEST_CASE(a_word_appears_when_it_is_complete_and_a_span_when_it_is_closed) {
    std::string text;
    markdown::renderer stream({}, [&text](std::string_view part) { text += part; });
    const std::pair<std::string_view, std::string_view> steps[] = {
        {"Hello wor", "Hello"},
        {"ld, **bo", "Hello world,"},
        {"ld** and", "Hello world, bold"},
        {" `a", "Hello world, bold and"},
        {"` [l](", "Hello world, bold and `a`"},
        {"u) \n\n```\nco", "Hello world, bold and `a` l (u)\n"},
        {"de\nmo", "Hello world, bold and `a` l (u)\n\ncode"},
        {"re\n", "Hello world, bold and `a` l (u)\n\ncode\nmore"},
    };
    for (const auto& [part, expected] : steps) {
        stream.write(part);
        BOOST_TEST(text == expected);
    }
}

BOOST_AUTO_TEST_CASE(a_mark_that_nobody_closes_does_not_hold_back_the_text) {
    std::string text;
    markdown::renderer stream({}, [&text](std::string_view part) { text += part; });
    stream.write("*note: ");
    std::string words;
    while (words.size() < markdown::renderer::longest_span) words += "word ";
    stream.write(words.substr(20));
    BOOST_TEST(text == "");
    stream.write(words.substr(0, 20) + "and more ");
    BOOST_TEST(text.starts_with("*note: word word"));
    stream.write("late* end");
    stream.end();
    BOOST_TEST(text.ends_with("late* end\n"));
}

BOOST_AUTO_TEST_CASE(a_new_width_counts_from_the_next_line_on) {
    paper sheet;
    int columns = 20;
    markdown::layout_options options;
    options.columns = [&columns] { return columns; };
    markdown::renderer stream(options, [&sheet](std::string_view part) { sheet.write(part); });
    const std::string words = "one two three four five six seven eight nine ten eleven twelve ";
    stream.write(words);
    const std::string before = sheet.text;
    columns = 8;
    stream.write(words);
    columns = 60;
    stream.write(words);
    stream.end();
    BOOST_TEST(sheet.rewritten == 0);
    BOOST_TEST(sheet.text.starts_with(before));
    std::string joined;
    for (const std::string& line : lines_of(sheet.text)) joined += line.empty() ? "" : line + " ";
    BOOST_TEST(joined == words + words + words);
}

BOOST_AUTO_TEST_CASE(a_long_block_of_code_is_shown_whole) {
    std::string source = "```\n", code;
    for (int line = 0; line < 1000; ++line) code += "line " + std::to_string(line) + ";\n";
    source += code + "```\nend";
    BOOST_TEST(shown(source, 40, 10).text == code + "\nend\n");
}

BOOST_AUTO_TEST_CASE(messages_are_apart) {
    std::string text;
    markdown::renderer stream({}, [&text](std::string_view part) { text += part; });
    for (const std::string_view message : {"one", "- two", "1. three"}) {
        stream.write(message);
        stream.end();
    }
    BOOST_TEST(text == "one\n\n• two\n\n1. three\n");
}

}  // namespace

// A token is "corun1." and base64url: the bytes of a position, then their checksum.
#include "values/position_token.hpp"

#include "text/base64.hpp"
#include "values/run_progress.hpp"
#include <corun/error.hpp>

#include <limits>
#include <utility>

namespace corun::detail {
namespace {

using codec::text_kind;

constexpr std::string_view name = "corun", version = "corun1.";

/// What a position has, as bits of one byte.
enum position_bit : unsigned {
    has_number = 1,
    has_progress = 2,
    is_created = 4,
    is_queued = 8,
    is_in_progress = 16,
    is_cancelling = 32,
    has_action = 64,
    has_summaries = 128,
};
enum item_bit : unsigned { step = 1, begun = 2, in_progress = 4, completed = 8, without_output = 16, with_texts = 32 };
/// Beside the kind of a text, in the lower four bits.
enum text_bit : unsigned { with_annotations = 16, with_units = 32, with_replacements = 64 };

constexpr std::size_t checksum_size = 4, hash_size = 6;

std::uint32_t checksum_of(std::string_view bytes) noexcept {
    text_mark mark;
    mark.append(bytes);
    return mark.checksum();
}

class writer {
public:
    void bits(unsigned value) { bytes_ += static_cast<char>(value); }
    void number(std::uint64_t value) {
        for (; value >= 128; value >>= 7) bits(static_cast<unsigned>(value & 127) | 128);
        bits(static_cast<unsigned>(value));
    }
    void fixed(std::uint64_t value, std::size_t size) {
        for (std::size_t i = 0; i != size; ++i) bits(static_cast<unsigned>(value >> 8 * i & 255));
    }
    void text(std::string_view value) {
        number(value.size());
        bytes_ += value;
    }
    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

private:
    std::string bytes_;
};

/// Reads what a `writer` has written, or anything else: what is not there is 0, and `failed`.
class reader {
public:
    explicit reader(std::string_view bytes) noexcept : left_(bytes) {}

    unsigned bits() noexcept {
        if (left_.empty()) {
            failed_ = true;
            return 0;
        }
        const auto value = static_cast<unsigned char>(left_.front());
        left_.remove_prefix(1);
        return value;
    }
    std::uint64_t number(std::uint64_t most = std::numeric_limits<std::int64_t>::max()) noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const unsigned next = bits();
            value |= static_cast<std::uint64_t>(next & 127) << shift;
            if (next < 128) {
                failed_ = failed_ || value > most;
                return failed_ ? 0 : value;
            }
        }
        failed_ = true;
        return 0;
    }
    std::uint64_t fixed(std::size_t size) noexcept {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i != size; ++i) value |= static_cast<std::uint64_t>(bits()) << 8 * i;
        return value;
    }
    std::string text() {
        const auto size = static_cast<std::size_t>(number(left_.size()));
        std::string value(left_.substr(0, size));
        left_.remove_prefix(value.size());
        fail_if(value.size() != size);
        return value;
    }
    void fail_if(bool wrong) noexcept { failed_ = failed_ || wrong; }
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] bool at_end() const noexcept { return left_.empty(); }

private:
    std::string_view left_;
    bool failed_ = false;
};

void write(writer& out, const received_text& text) {
    const text_mark& mark = text.mark;
    out.bits(static_cast<unsigned>(text.kind) | (text.annotations > 0 ? with_annotations : 0u) |
             (mark.units() != mark.size() ? with_units : 0u) | (mark.has_replacements() ? with_replacements : 0u));
    out.number(static_cast<std::uint64_t>(text.part));
    out.number(mark.size());
    if (mark.units() != mark.size()) out.number(mark.units());
    out.fixed(mark.checksum(), checksum_size);
    if (text.annotations > 0) out.number(text.annotations);
}

received_text read_text(reader& in) {
    const unsigned bits = in.bits();
    const auto kind = static_cast<text_kind>(bits & 15);
    in.fail_if(kind == text_kind::none || kind > text_kind::link);
    received_text text(kind, static_cast<std::int32_t>(in.number(std::numeric_limits<std::int32_t>::max())));
    const std::uint64_t size = in.number();
    const std::uint64_t units = (bits & with_units) != 0 ? in.number(size) : size;
    const auto checksum = static_cast<std::uint32_t>(in.fixed(checksum_size));
    text.mark = text_mark(size, units, checksum, (bits & with_replacements) != 0);
    if ((bits & with_annotations) != 0)
        text.annotations = static_cast<std::uint32_t>(in.number(std::numeric_limits<std::uint32_t>::max()));
    return text;
}

void write(writer& out, const received_item& item) {
    out.fixed(item.hash, hash_size);
    out.bits((item.is_step ? step : 0u) | (item.begun ? begun : 0u) | (item.in_progress ? in_progress : 0u) |
             (item.completed ? completed : 0u) | (item.lacks_output ? without_output : 0u) |
             (item.texts.empty() ? 0u : with_texts));
    if (item.texts.empty()) return;
    out.number(item.texts.size());
    for (const received_text& text : item.texts) write(out, text);
}

received_item read_item(reader& in) {
    const std::uint64_t hash = in.fixed(hash_size);
    const unsigned bits = in.bits();
    received_item item(hash, (bits & step) != 0);
    item.begun = (bits & begun) != 0;
    item.in_progress = (bits & in_progress) != 0;
    item.completed = (bits & completed) != 0;
    item.lacks_output = (bits & without_output) != 0;
    if ((bits & with_texts) == 0) return item;
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i != count && !in.failed(); ++i) item.texts.push_back(read_text(in));
    return item;
}

void write(writer& out, const received_summary& summary) {
    out.number(summary.count);
    if (summary.count > 0) out.fixed(summary.checksum, hash_size);
}

received_summary read_summary(reader& in) noexcept {
    received_summary summary;
    summary.count = in.number();
    if (summary.count > 0) summary.checksum = in.fixed(hash_size);
    return summary;
}

std::string written(const run_position& position, const run_progress& progress) {
    writer out;
    const bool summaries = progress.messages.count > 0 || progress.steps.count > 0;
    out.bits((position.sequence_number ? has_number : 0u) | (position.progress ? has_progress : 0u) |
             (progress.status.created ? is_created : 0u) | (progress.status.queued ? is_queued : 0u) |
             (progress.status.in_progress ? is_in_progress : 0u) | (progress.status.cancelling ? is_cancelling : 0u) |
             (progress.action != 0 ? has_action : 0u) | (summaries ? has_summaries : 0u));
    out.bits(progress.spoken ? 1 + static_cast<unsigned>(*progress.spoken) : 0);
    out.text(position.run_id);
    out.text(position.thread_id);
    if (position.sequence_number) out.number(static_cast<std::uint64_t>(*position.sequence_number));
    if (position.progress) {
        out.number(progress.taken);
        if (progress.action != 0) out.fixed(progress.action, hash_size);
        out.number(progress.latest.events);
        if (progress.latest.events > 0) out.fixed(progress.latest.step, hash_size);
        if (summaries) write(out, progress.messages);
        if (summaries) write(out, progress.steps);
        out.number(progress.items.size());
        for (const received_item& item : progress.items) write(out, item);
    }
    out.fixed(checksum_of(out.bytes()), checksum_size);
    return std::string(version) + base64::encode_url(out.bytes());
}

[[noreturn]] void reject_token(std::string reason) {
    throw error(errc::invalid_argument, "the run's position is no token of this version of corun: " + reason);
}

std::string bytes_of(std::string_view token) {
    if (token.empty()) reject_token("it is empty");
    if (token.size() > run_position::max_token)
        reject_token("it has more than " + std::to_string(run_position::max_token) + " characters");
    if (!token.starts_with(version))
        reject_token(token.starts_with(name) ? "another version wrote it; attach to the run by its ids"
                                             : "it does not begin with \"" + std::string(version) + '"');
    const std::string_view digits = token.substr(version.size());
    std::optional<std::string> bytes = base64::decode_url(digits);
    if (!bytes || bytes->size() < checksum_size || base64::encode_url(*bytes) != digits)
        reject_token("it is damaged or cut off");
    const std::string_view payload = std::string_view(*bytes).substr(0, bytes->size() - checksum_size);
    if (reader(std::string_view(*bytes).substr(payload.size())).fixed(checksum_size) != checksum_of(payload))
        reject_token("it is damaged or cut off");
    return std::string(payload);
}

void read_progress(reader& in, unsigned bits, run_progress& progress) {
    progress.status.created = (bits & is_created) != 0;
    progress.status.queued = (bits & is_queued) != 0;
    progress.status.in_progress = (bits & is_in_progress) != 0;
    progress.status.cancelling = (bits & is_cancelling) != 0;
    progress.taken = in.number();
    if ((bits & has_action) != 0) progress.action = in.fixed(hash_size);
    progress.latest.events = in.number();
    if (progress.latest.events > 0) progress.latest.step = in.fixed(hash_size);
    if ((bits & has_summaries) != 0) {
        progress.messages = read_summary(in);
        progress.steps = read_summary(in);
    }
    const std::uint64_t count = in.number();
    for (std::uint64_t i = 0; i != count && !in.failed(); ++i) progress.items.push_back(read_item(in));
}

}  // namespace

std::string encode_position(const run_position& position) {
    if (position.run_id.empty())
        throw error(errc::invalid_argument, "the position names no run: no event of the stream has named one yet");
    run_progress progress = position.progress ? *position.progress : run_progress();
    std::string token = written(position, progress);
    while (token.size() > run_position::max_token) {
        if (!progress.count_oldest())
            throw error(errc::invalid_argument,
                        "the position does not fit in a token: the ids are too long, or too many items (" +
                            std::to_string(progress.items.size()) + ") are not complete; store run_id and thread_id");
        token = written(position, progress);
    }
    return token;
}

run_position decode_position(std::string_view token) {
    const std::string bytes = bytes_of(token);
    reader in(bytes);
    run_position position;
    run_progress progress;
    const unsigned bits = in.bits();
    const unsigned spoken = in.bits();
    in.fail_if(spoken > 1 + static_cast<unsigned>(protocol::responses));
    if (spoken > 0) progress.spoken = static_cast<protocol>(spoken - 1);
    position.run_id = in.text();
    position.thread_id = in.text();
    if ((bits & has_number) != 0) position.sequence_number = static_cast<std::int64_t>(in.number());
    if ((bits & has_progress) != 0) read_progress(in, bits, progress);
    if (in.failed() || !in.at_end() || position.run_id.empty()) reject_token("it is damaged");
    progress.run_id = position.run_id;
    progress.thread_id = position.thread_id;
    progress.number = position.sequence_number;
    if ((bits & has_progress) != 0) position.progress = std::make_shared<const run_progress>(std::move(progress));
    return position;
}

}  // namespace corun::detail

#pragma once
#include <corun/emulator/fault.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace corun::emulator {

/// Access of the service to a fault.
struct fault_access {
    fault_access() = delete;
    using place = fault::place;

    static fault::kind kind(const fault& f) { return f.kind_; }
    static bool is_answer(const fault& f) { return f.kind_ == fault::kind::respond || f.kind_ == fault::kind::drop; }
    static bool in_stream(const fault& f) { return !is_answer(f) && f.kind_ != fault::kind::delay; }
    static fault::place where(const fault& f) { return f.place_; }
    static std::size_t count(const fault& f) { return f.count_; }
    static const std::string& event(const fault& f) { return f.event_; }
    static const std::string& body(const fault& f) { return f.body_; }
    static int status(const fault& f) { return f.status_; }
    static const header_fields& fields(const fault& f) { return f.fields_; }
    static std::string rewrite(const fault& f, const std::string& event, std::string frame) {
        return f.function_(event, std::move(frame));
    }
    static bool matches(const fault& f, std::string_view method, std::string_view path);
    static bool use(fault& f) {
        if (f.times_ != fault::always) --f.times_;
        return f.times_ != 0;
    }
};

/// Parses faults in JSON. Throws `std::invalid_argument`.
std::vector<fault> faults_of(std::string_view text);

/// The faults that wait for a request to apply to.
class fault_list {
public:
    void add(fault fault) { waiting_.push_back(std::move(fault)); }
    /// Takes the first fault that responds to this request in place of the service.
    std::optional<fault> take_answer(std::string_view method, std::string_view path);
    /// Takes the first fault that delays this request: its duration in milliseconds.
    std::optional<std::chrono::milliseconds> take_delay(std::string_view method, std::string_view path);
    /// Takes the faults of a stream that begins.
    std::vector<fault> take_stream(std::string_view method, std::string_view path);

private:
    std::vector<fault> waiting_;
};

/// Applies faults to the frames of one stream.
class stream_faults {
public:
    enum class end { none, cut, reset, stall };

    stream_faults() = default;
    explicit stream_faults(std::vector<fault> faults);

    /// Appends to `out` the bytes to send for a frame. Returns whether, and how, the stream ends there.
    end pass(const std::string& event, std::string frame, std::string& out);
    /// The largest number of bytes to write at once.
    [[nodiscard]] std::size_t piece() const noexcept { return piece_; }

private:
    struct active {
        explicit active(emulator::fault f) : fault(std::move(f)) {}
        emulator::fault fault;
        bool done = false;
    };

    /// The frame after the faults that change it.
    [[nodiscard]] std::string changed(const std::string& event, std::string frame) const;
    /// Where in a frame of `size` bytes a fault applies, counted in the stream without other faults.
    [[nodiscard]] std::optional<std::size_t> position_of(const active& one, const std::string& event,
                                                         std::size_t size) const;
    static end end_of(fault::kind kind);

    std::vector<active> active_;
    std::size_t events_ = 0, bytes_ = 0, piece_ = static_cast<std::size_t>(-1);
};

}  // namespace corun::emulator

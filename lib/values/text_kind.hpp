#pragma once

namespace corun::codec {

/// The texts that come in pieces. Positions of runs are stored with these numbers: new ones come last.
enum class text_kind { none, text, refusal, reasoning, summary, arguments, output, error_output, transcript, link };

}  // namespace corun::codec

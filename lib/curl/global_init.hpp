#pragma once

namespace corun::curl {

/// Initialises libcurl, once in a process, so that it wipes the memory that it frees: its copies of requests hold
/// tokens. An application that has initialised libcurl before keeps its own allocator.
///
/// *Threads:* any. *Errors:* throws `std::bad_alloc`.
void initialise_libcurl();

}  // namespace corun::curl

#pragma once

/// Durations and clocks, without the calendars, time zones and streams of `<chrono>`, which would double the cost of a
/// header.
#if __has_include(<bits/chrono.h>)
#include <bits/chrono.h>
#else
#include <chrono>
#endif

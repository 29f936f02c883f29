#pragma once

/// The library's version. The build checks that it is the project's.
#define CORUN_VERSION "0.1.0"

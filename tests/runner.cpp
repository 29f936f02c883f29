// The one place that compiles Boost.Test itself: it costs 13 seconds.
#define BOOST_TEST_MODULE corun
#include <boost/test/included/unit_test.hpp>

#include <corun/reconcile.hpp>

#include <ostream>
#include <utility>

namespace corun {

reconcile_report::line::line(int table_row, std::string sentence) : row(table_row), text(std::move(sentence)) {}

void reconcile_report::add(int row, std::string text) {
    lines_.emplace_back(row, std::move(text));
}

void reconcile_report::set_request(std::string path, std::string redacted_body) {
    path_ = std::move(path);
    body_ = std::move(redacted_body);
}

std::ostream& operator<<(std::ostream& out, const reconcile_report& report) {
    for (const reconcile_report::line& line : report.lines()) out << "row " << line.row << ": " << line.text << '\n';
    if (!report.path().empty()) out << "POST " << report.path() << '\n' << report.body() << '\n';
    return out;
}

}  // namespace corun

"""Shows doxygen a header: filter.py HEADER

Leaves out what doxygen cannot parse and readers do not need, and adds what the headers do not say because a name says
it, so that the reference has a sentence for each symbol. The lines keep their numbers.
"""

import pathlib
import re
import sys

# The names that mean the same everywhere. A header has no comment for them, unless there is more to say.
NAMES = {
    'id': 'The id.', 'name': 'The name.', 'type': 'The type.', 'text': 'The text.', 'url': 'The URL.', 'model': 'The name of the model.',
    'run_id': 'The id of the run.', 'thread_id': 'The id of the thread.', 'agent_id': 'The id of the agent.',
    'message_id': 'The id of the message.', 'item_id': 'The id of the output item.', 'step_id': 'The id of the step.',
    'call_id': 'The id of the call.', 'tool_call_id': 'The id of the call.', 'file_id': 'The id of the file.',
    'file_ids': 'The ids of the files.', 'vector_store_id': 'The id of the vector store.',
    'connection_id': 'The id of a connection of the project.', 'client_id': 'The id of the client.',
    'request_id': 'The id that the service gave the request, for its support; empty if it gave none.',
    'server_label': 'The label of the MCP server.', 'tools': 'The tools.', 'tool': 'The tool.',
    'filename': 'The name of the file.', 'file_name': 'The name of the file.', 'description': 'The description, for the model.',
    'instructions': 'The instructions for the model.', 'arguments': 'The arguments, as JSON text.',
    'role': 'The role of the author: `user` or `assistant`.', 'content': 'The content.', 'attachments': 'The attached files.',
    'message': 'The message.', 'messages': 'The messages.', 'code': 'The code of the error.', 'param': 'The parameter at fault.',
    'status': 'The status.', 'run': 'The run.', 'step': 'The step.', 'usage': 'The tokens that were used, if known.',
    'last_error': 'Why it failed, if it did.', 'incomplete_reason': 'Why it is incomplete, or empty.',
    'required_action': 'The calls that wait for an answer, if any.', 'metadata': 'Texts of the application, by name.',
    'raw': 'The JSON of the object, as received.', 'created_at': 'When it was created, in seconds since 1970.',
    'started_at': 'When it began, in seconds since 1970.', 'completed_at': 'When it completed, in seconds since 1970.',
    'failed_at': 'When it failed, in seconds since 1970.', 'cancelled_at': 'When it was cancelled, in seconds since 1970.',
    'expires_at': 'When it expires, in seconds since 1970.', 'last_active_at': 'When it was last used, in seconds since 1970.',
    'file_counts': 'The number of its files, by status.', 'usage_bytes': 'Its size at the service, in bytes.',
    'chunking': 'How its files are split.', 'annotations': 'The citations and generated files.',
    'content_index': 'The index of the content part.', 'index': 'The index.', 'response_format': 'The format of the response.',
    'tool_resources': 'The resources of the tools.', 'headers': 'The header fields.', 'fields': 'The header fields.',
    'header': 'The value of the header field of this name, or an empty text.', 'method': 'The method.', 'path': 'The path.',
    'address': 'The address to listen on.', 'duration': 'How long it took.', 'began': 'When it began.', 'report': 'What reconciliation moved.',
    'output': 'The output.', 'definition': 'The definition.', 'problem': 'What is wrong, or empty.', 'value': 'The value.',
    'empty': 'Whether there is nothing in it.', 'size': 'The number of elements.', 'begin': 'The first element.',
    'end': 'The position after the last element.', 'json': 'The JSON text.', 'bool': 'Whether the object is there.',
    'to_string': 'The name of the value.', 'operator<<': 'Prints the value.', 'operator==': 'Compares all members.',
    'kind': 'The kind.', 'user': 'The user.', 'proxy': 'As `client_options::proxy`.', 'get_executor': 'The executor.',
    'reason': 'The reason, or empty.', 'cancelled': 'How many were cancelled.', 'completed': 'How many completed.',
    'failed': 'How many failed.', 'in_progress': 'How many are in progress.', 'total': 'How many there are.',
    'why': 'Why.', 'what': 'The text of the error, in one line.', 'details': 'All that is known about the error.', 'retry_after': 'The delay that the service asks for, if any.',
    'service_code': 'The code of the error, as the service sent it.', 'service_message': 'The message of the error, as the service sent it.',
    'bytes': 'The number of bytes.', 'uri': 'The URI.', 'title': 'The title.', 'version': 'The version.', 'steps': 'The steps, in order.',
    'lines': 'The decisions, in order.', 'parameters': 'The JSON schema of the parameters.', 'server_url': 'The URL of the server.',
    'strict_events': 'As `client_options::strict_events`.', 'retry': 'When requests are sent again.', 'reattach': 'How a broken stream continues.',
    'tool_choice': 'Whether the model must call a tool, and which.', 'calls': 'The requests so far, in order.', 'result': 'The result.',
    'make_error_code': 'The code of the value.', 'make_error_condition': 'The condition of the value.', 'error': 'The error.',
    'expires_after_days': 'After how many days without use it expires.',
    'refusal': 'The text of a refusal.', 'prompt': 'The prompt.', 'username': 'The name of the user.', 'link': 'The URL of the page.',
}


def blank(match):
    return '\n' * match.group(0).count('\n')


def names_of(statement):
    """The names that a declaration introduces: of a function, one; of variables, all."""
    declared = re.sub(r'<[^<>]*>', '', re.sub(r'<[^<>]*>', '', re.sub(r'<[^<>]*>', '', statement)))
    if match := re.match(r'(?:\[\[nodiscard\]\] |friend |explicit |static |constexpr |CORUN_API )*[^=(]*?(operator\W+(?=\()|operator bool|~?\w+)\s*\(', declared):
        return [match[1].replace('operator bool', 'bool').strip()]
    if match := re.match(r'(?:using|enum class) (\w+)', statement):
        return [match[1]]
    if match := re.match(r'(?:static |constexpr |const |inline )*[\w:]+[ *&]+(\w+(?:(?: =[^,;]*|\{[^,;]*\})?, \w+)*)(?: =[^;]*|\{[^;]*\})?;', declared):
        return [re.match(r'\w+', part)[0] for part in match[1].split(', ')]
    return []


def comment_for(name, statement, classes):
    if name in classes:
        if '&&' in statement and f'{name}&&' in statement:
            return 'Moves.'
        if f'const {name}&' in statement:
            return 'Copies.'
        if f'{name}()' in statement:
            return 'Everything is empty or has its default.'
        return 'Sets the members of these names.'
    if name == 'operator=':
        return 'Moves.' if '&&' in statement else 'Copies.'
    return NAMES.get(name)


def each_alone(statement, names, comments):
    """The declarations of several variables, one for each."""
    kind = statement[:re.search(rf'\b{names[0]}\b(?=[ ,;={{])', statement).start()]
    declared = re.split(r', (?=\w+(?: =|,|;|\{|$))', statement[len(kind):].rstrip(';'))
    return ' '.join(f'/** {comment} */ {kind}{each};' for comment, each in zip(comments, declared))


def with_comments(text):
    classes = set(re.findall(r'^\s*(?:struct|class) (?:CORUN_API )?(\w+)', text, flags=re.MULTILINE))
    lines, previous, comment, open_statement, template_at, body_end = [], None, [], False, 0, None
    for line in text.split('\n'):
        stripped = line.strip()
        indent = line[:len(line) - len(line.lstrip())]
        if body_end:
            body_end = None if line.rstrip(';') == body_end else body_end
        elif stripped.startswith('///'):
            comment.append(stripped[3:].strip())
        elif not stripped or stripped.startswith(('//', '#', 'public:', 'private:', '}')):
            previous, comment, open_statement = None, [], False
        elif open_statement:
            open_statement = not stripped.endswith((';', '{', '}'))
        elif stripped.startswith(('template', 'requires')) and not stripped.endswith(';'):
            # The declaration follows; its comment stands before it.
            comment = comment or ['@template']
            template_at = len(lines)
        else:
            names = names_of(stripped)
            documented = [each for each in comment if each != '@template']
            shared = ' '.join(documented) or (stripped.split('///<')[1].strip() if '///<' in stripped else '')
            if len(names) > 1 and (shared or all(name in NAMES for name in names)):
                # Doxygen gives the comment of several variables to one of them.
                line = indent + each_alone(stripped.split('///<')[0].rstrip(), names, [shared or NAMES[name] for name in names])
            elif len(names) == 1 and not shared:
                said = previous[1] if previous and previous[0] == names[0] else comment_for(names[0], stripped, classes)
                if said and '@template' in comment:
                    lines[template_at] = f'/** {said} */ {lines[template_at].strip()}'
                elif said:
                    line = f'{indent}/** {said} */ {stripped}'
                documented = [said] if said else []
            previous = (names[0], ' '.join(documented)) if len(names) == 1 and documented else None
            comment, open_statement = [], not stripped.endswith((';', '{', '}')) and '///<' not in stripped
        if line.endswith(') {') or line.endswith(') const {'):
            body_end = indent + '}'
        lines.append(line)
    return '\n'.join(lines)


text = pathlib.Path(sys.argv[1]).read_text()
text = re.sub(r'^namespace detail \{\n.*?^\}  // namespace detail\n', blank, text, flags=re.DOTALL | re.MULTILINE)
text = re.sub(r'^template <>\nstruct (?:std|corun::json_library).*?;\n', blank, text, flags=re.MULTILINE)
text = re.sub(r'\) requires [^;{]*\{', ') {', text)
text = re.sub(r'\brequires\s*\(.*?\)\s*(?=inline|class|struct|handler\()', ' ', text, flags=re.DOTALL)
# Doxygen has a page for each file with a comment. Comments of C have one star.
text = re.sub(r'^#pragma once$', '/** @file */', text, flags=re.MULTILINE)
text = re.sub(r'\A/\*$', '/** @file', text, flags=re.MULTILINE)
text = re.sub(r'^/\*(?=\s)', '/**', text, flags=re.MULTILINE)
sys.stdout.write(with_comments(text))

// Compares the names on the wire that npm packages declare with those that corun knows, and writes docs/wire.md.
//
//   node drift.mjs WIRE_NAMES           fails with each name that corun does not know, and if docs/wire.md is out of date
//   node drift.mjs WIRE_NAMES --write   writes docs/wire.md
//
// WIRE_NAMES is the program of that name: it prints what corun's own tables know. raw_names.json lists the names that
// corun knows of and hands on as they are.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const page = join(here, '../../docs/wire.md');

// Declarations

const packages = {
    openai: 'openai/resources/responses/responses.d.ts',
    'openai beta': 'openai/resources/beta/responses/responses.d.ts',
    'ai-projects': '@azure/ai-projects/dist/esm/models/models.d.ts',
    'ai-agents': '@azure/ai-agents/dist/esm/models/models.d.ts',
};

/** The kinds of names: where the packages declare them, and what a name is. */
const kinds = [
    {
        kind: 'responses.event',
        title: 'Events of the Responses protocol',
        from: [
            ['openai', 'typesOf', 'ResponseStreamEvent'],
            ['openai beta', 'typesOf', 'BetaResponseStreamEvent'],
        ],
    },
    {
        kind: 'responses.item',
        title: 'Items of the Responses protocol',
        from: [
            ['openai', 'typesOf', 'ResponseOutputItem', 'ResponseItem', 'ResponseInputItem'],
            ['openai beta', 'typesOf', 'BetaResponseOutputItem', 'BetaResponseItem', 'BetaResponseInputItem'],
        ],
    },
    {
        kind: 'responses.tool',
        title: 'Tools of the Responses protocol',
        from: [
            ['openai', 'typesOf', 'Tool'],
            ['openai beta', 'typesOf', 'BetaTool'],
            ['ai-projects', 'typesOf', 'ToolUnion'],
        ],
    },
    {
        kind: 'responses.request',
        title: 'Members of a request of the Responses protocol',
        from: [
            ['openai', 'membersOf', 'ResponseCreateParamsBase'],
            ['openai beta', 'membersOf', 'ResponseCreateParamsBase'],
        ],
    },
    {
        kind: 'responses.content',
        title: 'Parts of messages and of reasoning in the Responses protocol',
        from: [
            ['openai', 'typesOf', 'ResponseContent', 'ResponseInputContent', 'ResponseOutputAudio'],
            ['openai beta', 'typesOf', 'BetaResponseContent', 'BetaResponseInputContent'],
        ],
    },
    {
        kind: 'responses.status',
        title: 'Statuses of a response',
        from: [
            ['openai', 'literalsOf', 'ResponseStatus'],
            ['openai beta', 'literalsOf', 'BetaResponseStatus'],
        ],
    },
    {
        kind: 'responses.agent',
        title: 'Members of a prompt agent',
        from: [['ai-projects', 'membersOf', 'PromptAgentDefinition']],
    },
    {
        kind: 'threads.event',
        title: 'Events of the threads protocol',
        from: [
            [
                'ai-agents',
                'literalsOf',
                'ThreadStreamEvent',
                'RunStreamEvent',
                'RunStepStreamEvent',
                'MessageStreamEvent',
                'ErrorEvent',
                'DoneEvent',
            ],
        ],
    },
    { kind: 'threads.status', title: 'Statuses of a run', from: [['ai-agents', 'literalsOf', 'RunStatus']] },
    {
        kind: 'threads.step',
        title: 'Steps of a run, and their statuses',
        from: [
            ['ai-agents', 'literalsOf', 'RunStepType', 'RunStepStatus'],
            ['ai-agents', 'typesOf', 'RunStepDetailsUnion', 'RunStepDeltaDetailUnion'],
        ],
    },
    {
        kind: 'threads.call',
        title: 'Tool calls of a step',
        from: [['ai-agents', 'typesOf', 'RunStepToolCallUnion', 'RunStepDeltaToolCallUnion', 'RequiredToolCallUnion']],
    },
    {
        kind: 'threads.content',
        title: 'Parts of a message, and annotations',
        from: [
            [
                'ai-agents',
                'typesOf',
                'MessageContentUnion',
                'MessageDeltaContentUnion',
                'MessageTextAnnotationUnion',
                'MessageDeltaTextAnnotationUnion',
            ],
        ],
    },
    {
        kind: 'threads.tool',
        title: 'Tools of the threads protocol',
        from: [['ai-agents', 'typesOf', 'ToolDefinitionUnion']],
    },
];

const pairs = { '{': '}', '(': ')', '[': ']', '<': '>' };

/** Where the next separator is that is in no bracket and no string; the text's end if there is none. */
function find(text, separator, from) {
    const open = [];
    for (let i = from; i < text.length; i++) {
        const c = text[i];
        if (c === separator && open.length === 0) return i;
        if (c === '"' || c === "'" || c === '`') i = text.indexOf(c, i + 1);
        else if (pairs[c]) open.push(pairs[c]);
        else if (c === open.at(-1) && !(c === '>' && text[i - 1] === '=')) open.pop();
    }
    return text.length;
}

/** The pieces of a text between such separators. */
function split(text, separator) {
    const pieces = [];
    for (let from = 0; from <= text.length; ) {
        const end = find(text, separator, from);
        pieces.push(text.slice(from, end).trim());
        from = end + 1;
    }
    return pieces.filter((each) => each !== '');
}

function endOf(text, begin) {
    let depth = 0;
    for (let i = begin; i < text.length; i++) {
        if (text[i] === '{') depth++;
        if (text[i] === '}' && --depth === 0) return i;
    }
    throw new Error('a declaration does not end');
}

/** The declarations of a `.d.ts` file by their full names. */
export class Declarations {
    #all = new Map();

    constructor(text) {
        const strings = /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\/\*[^]*?\*\/|\/\/[^\n]*/g;
        this.#read(text.replace(strings, '$1'), '');
    }

    #read(text, scope) {
        const heads = /\b(?:(interface|namespace|enum)\s+(\w+)([^{;]*)\{|type\s+(\w+)[^=;{]*=\s*)/g;
        for (let head = heads.exec(text); head; head = heads.exec(text)) {
            if (head[4]) {
                const end = find(text, ';', heads.lastIndex);
                this.#all.set(scope + head[4], { value: text.slice(heads.lastIndex, end), scope });
                heads.lastIndex = end;
                continue;
            }
            const begin = heads.lastIndex - 1;
            const end = endOf(text, begin);
            const body = text.slice(begin + 1, end);
            const name = scope + head[2];
            if (head[1] === 'namespace') this.#read(body, `${name}.`);
            else if (head[1] === 'enum') this.#all.set(name, { value: [...body.matchAll(/"[^"]*"|'[^']*'/g)].join('|'), scope });
            else this.#all.set(name, { body, parents: split(/\bextends\b([^]*)/.exec(head[3])?.[1] ?? '', ','), scope });
            heads.lastIndex = end + 1;
        }
    }

    /** A name as it is written in a scope. Throws for one that is declared nowhere. */
    #find(name, scope) {
        const path = name.replace(/<[^]*$/, '').split('.');
        for (let from = scope; ; from = from.replace(/\w+\.$/, '')) {
            for (let i = 0; i < path.length; i++) {
                const found = this.#all.get(from + path.slice(i).join('.'));
                if (found) return found;
            }
            if (from === '') throw new Error(`no declaration of ${name}`);
        }
    }

    /** The interfaces and literals of a union. */
    #leaves(type, scope) {
        return split(type, '|').flatMap((each) => {
            if (/^["']/.test(each)) return [each.slice(1, -1)];
            if (!/^[A-Za-z_][\w.]*(<[^]*>)?$/.test(each) || /^(string|null|undefined|number|boolean|unknown|any)$/.test(each))
                return [];
            const found = this.#find(each, scope);
            return found.body === undefined ? this.#leaves(found.value, found.scope) : [found];
        });
    }

    #members(leaf) {
        const own = split(leaf.body, ';').flatMap((each) => {
            const member = /^(?:readonly\s+)?["']?(\w+)["']?\??\s*:([^]*)$/.exec(each);
            return member ? [[member[1], { type: member[2].trim(), scope: leaf.scope }]] : [];
        });
        const inherited = leaf.parents.flatMap((each) => [...this.#members(this.#find(each, leaf.scope))]);
        return new Map([...inherited, ...own]);
    }

    /** The values of a union of strings, or of an enumeration. */
    literalsOf(name) {
        return this.#leaves(name, '').filter((each) => typeof each === 'string');
    }

    /** The values of `type` of all objects in a union. */
    typesOf(name) {
        return this.#leaves(name, '').flatMap((leaf) => {
            const type = typeof leaf === 'string' ? undefined : this.#members(leaf).get('type');
            return type ? this.#leaves(type.type, type.scope).filter((each) => typeof each === 'string') : [];
        });
    }

    /** The members of an interface. */
    membersOf(name) {
        return [...this.#members(this.#find(name, '')).keys()];
    }
}

/** The texts of the packages' declarations, by the keys of `packages`. */
export function readPackages() {
    const text = (path) => readFileSync(join(here, 'node_modules', path), 'utf8');
    return Object.fromEntries(Object.entries(packages).map(([name, path]) => [name, text(path)]));
}

const readBefore = new Map();
function declarationsOf(text) {
    if (!readBefore.has(text)) readBefore.set(text, new Declarations(text));
    return readBefore.get(text);
}

/** What the packages declare: of each kind the names, each with the packages that have it. */
export function declaredNames(texts) {
    const read = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, declarationsOf(text)]));
    const declared = {};
    for (const { kind, from } of kinds) {
        const names = (declared[kind] = new Map());
        for (const [source, what, ...unions] of from)
            for (const name of unions.flatMap((union) => read[source][what](union)))
                names.set(name, (names.get(name) ?? new Set()).add(source));
        if (names.size === 0) throw new Error(`the packages declare no ${kind}`);
    }
    return declared;
}

// Knowledge

/** What corun knows: of each kind the names, each with its form. Throws where raw_names.json and the code disagree. */
export function knownNames(program) {
    const known = Object.fromEntries(kinds.map(({ kind }) => [kind, new Map()]));
    for (const line of execFileSync(program, { encoding: 'utf8' }).split('\n').filter((each) => each !== '')) {
        const [kind, name, form] = line.split('\t');
        known[kind].set(name, form);
    }
    const raw = JSON.parse(readFileSync(join(here, 'raw_names.json'), 'utf8'));
    for (const [kind, forms] of Object.entries(raw))
        for (const [form, names] of Object.entries(forms))
            for (const name of names) {
                if (known[kind].has(name)) throw new Error(`raw_names.json has the ${kind} ${name}, which corun's tables know too`);
                known[kind].set(name, form);
            }
    return known;
}

/** The names that corun does not know, such as `responses.event response.new (openai)`. */
export function unknownNames(declared, known) {
    return Object.entries(declared).flatMap(([kind, names]) =>
        [...names]
            .filter(([name]) => !known[kind].has(name))
            .map(([name, sources]) => `${kind} ${name} (${[...sources].join(', ')})`),
    );
}

// The page

const versions = () => {
    const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
    return ['openai', '@azure/ai-projects', '@azure/ai-agents'].map((name) => `\`${name}\` ${dependencies[name]}`).join(', ');
};

export function pageText(declared, known) {
    const lines = [
        '# Names on the wire',
        '',
        'Written by `tests/interop/drift.mjs --write` from the tables of the decoders and encoders, and from the type',
        `declarations of ${versions()}. The tests fail if these packages`,
        'declare a name that is not listed here.',
        '',
        'An event, an item or a member that is *raw* is delivered or sent as it is: an event as `events::unknown` with its',
        '`name()` and `raw()`, a tool as `json_tool`, a member with `extra_json`. So is everything that is not listed.',
        '',
    ];
    for (const { kind, title } of kinds) {
        lines.push(`## ${title}`, '', '| name | in corun | declared by |', '|---|---|---|');
        const names = [...new Set([...declared[kind].keys(), ...known[kind].keys()])].sort();
        for (const name of names)
            lines.push(`| \`${name}\` | ${known[kind].get(name) ?? '**unknown**'} | ${[...(declared[kind].get(name) ?? ['-'])].join(', ')} |`);
        lines.push('');
    }
    return lines.join('\n').replace(/\n+$/, '\n');
}

export const writtenPage = () => readFileSync(page, 'utf8');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const declared = declaredNames(readPackages());
    const known = knownNames(process.argv[2]);
    const unknown = unknownNames(declared, known);
    for (const each of unknown) console.error(`unknown: ${each}`);
    const text = pageText(declared, known);
    if (process.argv.includes('--write')) writeFileSync(page, text);
    else if (text !== writtenPage()) console.error('docs/wire.md is out of date: run drift.mjs with --write');
    process.exitCode = unknown.length !== 0 || text !== writtenPage() ? 1 : 0;
}

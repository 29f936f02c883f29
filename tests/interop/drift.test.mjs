// The names on the wire that the pinned packages declare, against those that corun knows.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Declarations, declaredNames, knownNames, pageText, readPackages, unknownNames, writtenPage } from './drift.mjs';

describe('names on the wire', () => {
    let texts, known;
    before(() => {
        texts = readPackages();
        known = knownNames(process.env.CORUN_WIRE_NAMES);
    });

    test('corun knows every name that the packages declare', () => {
        assert.deepEqual(unknownNames(declaredNames(texts), known), []);
    });

    test('docs/wire.md lists them', () => {
        assert.equal(pageText(declaredNames(texts), known), writtenPage(), 'run drift.mjs with --write');
    });

    test('the declarations have not lost what is known to be there', () => {
        const declared = declaredNames(texts);
        const few = { 'responses.event': 55, 'responses.item': 30, 'responses.tool': 30, 'responses.request': 30 };
        for (const [kind, least] of Object.entries(few)) assert.ok(declared[kind].size >= least, `${kind}: ${declared[kind].size}`);
        assert.equal(declared['threads.event'].size, 25);
    });

    for (const [what, source, change, expected] of [
        [
            'an event',
            'openai',
            (text) =>
                text
                    .replace('export type ResponseStreamEvent =', 'export type ResponseStreamEvent = ResponseDreamEvent |')
                    .concat("\nexport interface ResponseDreamEvent { type: 'response.dream.delta'; }\n"),
            'responses.event response.dream.delta (openai)',
        ],
        [
            'an item',
            'openai',
            (text) =>
                text
                    .replace('export type ResponseOutputItem =', 'export type ResponseOutputItem = Base.Dream |')
                    .concat("\nexport declare namespace Base { interface Dream extends Nap { id: string; } }",
                        "\nexport interface Nap { /** type: 'no' */ type: 'dream'; }\n"),
            'responses.item dream (openai)',
        ],
        [
            'a tool',
            'ai-projects',
            (text) =>
                text
                    .replace('export type ToolUnion =', 'export type ToolUnion = DreamTool |')
                    .concat('\nexport interface DreamTool extends Tool { type: "dream"; }\n'),
            'responses.tool dream (ai-projects)',
        ],
        [
            'a member of a request',
            'openai',
            (text) => text.replace(/(export interface ResponseCreateParamsBase \{)/, '$1\n    dream?: { depth: number; };'),
            'responses.request dream (openai)',
        ],
        [
            'an event of the threads protocol',
            'ai-agents',
            (text) => text.replace('export declare enum RunStreamEvent {', '$&\n    Dreams = "thread.run.dreams",'),
            'threads.event thread.run.dreams (ai-agents)',
        ],
        [
            'a status',
            'ai-agents',
            (text) => text.replace('export type RunStatus =', 'export type RunStatus = "dreaming" |'),
            'threads.status dreaming (ai-agents)',
        ],
    ])
        test(`${what} that is new is named`, () => {
            const changed = { ...texts, [source]: change(texts[source]) };
            assert.notEqual(changed[source], texts[source]);
            assert.deepEqual(unknownNames(declaredNames(changed), known), [expected]);
        });

    test('a union that is gone is an error', () => {
        const changed = { ...texts, openai: texts.openai.replaceAll('ResponseStreamEvent', 'ResponseStreamEvents') };
        assert.throws(() => declaredNames(changed), /no declaration of ResponseStreamEvent$/);
    });

    test('reads declarations as TypeScript does', () => {
        const read = new Declarations(`
            export type All = A | Inner.B | 'c' | null | (string & {});
            export interface A { type: 'a' | 'also_a'; other: { type: 'not_this' }; }
            export declare namespace Inner { interface B extends Base<string> { x: "http://y"; } type Inside = 'd'; }
            export interface Base<T> { readonly type?: Kind; then: (x: T) => void; }
            export type Kind = 'b'; // export type Kind = 'wrong';
        `);
        assert.deepEqual(read.typesOf('All'), ['a', 'also_a', 'b']);
        assert.deepEqual(read.literalsOf('All'), ['c']);
        assert.deepEqual(read.literalsOf('Inner.Inside'), ['d']);
        assert.deepEqual(read.membersOf('Inner.B'), ['type', 'then', 'x']);
    });
});

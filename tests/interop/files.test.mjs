// The official client's files and vector stores, unmodified, against the emulator.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Readable } from 'node:stream';
import { RestError } from '@azure/core-rest-pipeline';
import { azureClient, call, disconnect } from './support.mjs';

const client = azureClient();
const soon = { pollingOptions: { intervalInMs: 10 } };

async function all(pages) {
    const items = [];
    for await (const item of pages) items.push(item);
    return items;
}

const refused = (status, code) => (error) => {
    assert.ok(error instanceof RestError, `a RestError, not ${error}`);
    assert.equal(error.statusCode, status);
    if (code) assert.equal(error.code, code);
    return true;
};

const upload = (text, fileName, purpose = 'assistants') =>
    client.files.upload(Readable.from([Buffer.from(text)]), purpose, { fileName, ...soon });

/** The bytes of a file, by the client's way to stream them. */
async function contentOf(id) {
    const response = await client.files.getContent(id).asNodeStream();
    assert.equal(response.status, '200');
    const pieces = [];
    for await (const piece of response.body) pieces.push(piece);
    return Buffer.concat(pieces);
}

describe('@azure/ai-agents: files and vector stores', { timeout: 120_000 }, () => {
    after(disconnect);

    test('uploads, lists, downloads and deletes files', async () => {
        const file = await upload('The price of seat 14A is 40.', 'prices.txt');
        assert.equal(file.object, 'file');
        assert.deepEqual([file.filename, file.purpose, file.bytes], ['prices.txt', 'assistants', 28]);
        assert.equal(file.status, 'processed');
        assert.ok(file.createdAt instanceof Date);
        assert.deepEqual(await client.files.get(file.id), file);

        const picture = await client.files.uploadAndPoll(Readable.from([Buffer.from([0, 255, 13, 10])]), 'vision', {
            fileName: 'seat.png', ...soon,
        });
        const { data: pictures } = await client.files.list({ purpose: 'vision' });
        assert.deepEqual(pictures.map((one) => one.id), [picture.id]);
        const { data: everything } = await client.files.list();
        assert.ok(everything.some((one) => one.id === file.id));

        assert.equal((await contentOf(file.id)).toString(), 'The price of seat 14A is 40.');
        assert.deepEqual([...(await contentOf(picture.id))], [0, 255, 13, 10]);

        for (const one of [file, picture]) {
            const gone = await client.files.delete(one.id);
            assert.deepEqual([gone.id, gone.deleted, gone.object], [one.id, true, 'file']);
        }
        await assert.rejects(client.files.get(file.id), refused(404));
    });

    test('keeps large files and odd names as they are', async () => {
        const large = Buffer.alloc(3_000_000, '\r\n--AzSDKFormBoundary--');
        const file = await client.files.upload(Readable.from([large.subarray(0, 1_000_000), large.subarray(1_000_000)]),
            'assistants', { fileName: 'a "large" naïve 文.bin', ...soon });
        assert.equal(file.filename, 'a "large" naïve 文.bin');
        assert.ok((await contentOf(file.id)).equals(large));
        await client.files.delete(file.id);
    });

    test('is told what is wrong with a file', async () => {
        await assert.rejects(async () => await upload('x', 'a.txt', 'entertainment'), refused(400, 'invalid_value'));
        await assert.rejects(client.files.delete('assistant-none'), refused(404));
        const missing = await client.files.getContent('assistant-none');
        assert.equal(missing.status, '404');
    });

    test('keeps vector stores', async () => {
        const file = await upload('text', 'a.md');
        const made = await client.vectorStores.createAndPoll({
            name: 'prices', fileIds: [file.id], metadata: { team: 'a' },
            expiresAfter: { anchor: 'last_active_at', days: 3 },
            chunkingStrategy: { type: 'static', static: { maxChunkSizeTokens: 200, chunkOverlapTokens: 100 } }, ...soon,
        });
        assert.match(made.id, /^vs_/);
        assert.equal(made.object, 'vector_store');
        assert.equal(made.status, 'completed');
        assert.deepEqual([made.name, made.usageBytes, made.metadata], ['prices', 4, { team: 'a' }]);
        assert.deepEqual(made.fileCounts, { inProgress: 0, completed: 1, failed: 0, cancelled: 0, total: 1 });
        assert.equal(made.expiresAt - made.lastActiveAt, 3 * 24 * 3600 * 1000);
        assert.deepEqual(await client.vectorStores.get(made.id), made);
        const changed = await client.vectorStores.update(made.id, { name: 'all prices', metadata: { team: 'b' } });
        assert.deepEqual([changed.name, changed.metadata, changed.expiresAfter.days], ['all prices', { team: 'b' }, 3]);
        const empty = await client.vectorStores.create(soon);
        assert.equal(empty.fileCounts.total, 0);
        const listed = await all(client.vectorStores.list({ limit: 1, order: 'desc' }));
        assert.deepEqual(listed.map((one) => one.id), [empty.id]);

        for (const one of [made, empty]) {
            const gone = await client.vectorStores.delete(one.id);
            assert.deepEqual([gone.id, gone.deleted, gone.object], [one.id, true, 'vector_store.deleted']);
        }
        await assert.rejects(client.vectorStores.get(made.id), refused(404));
        assert.equal((await client.files.get(file.id)).id, file.id);
        await client.files.delete(file.id);
    });

    test('puts files into a vector store', async () => {
        const store = await client.vectorStores.create(soon);
        const good = await upload('text', 'good.txt');
        const odd = await upload('text', 'odd.exe');
        const added = await client.vectorStoreFiles.createAndPoll(store.id, { fileId: good.id, ...soon });
        assert.deepEqual([added.id, added.object, added.status], [good.id, 'vector_store.file', 'completed']);
        assert.equal(added.vectorStoreId, store.id);
        assert.equal(added.lastError, null);
        assert.equal(added.chunkingStrategy.static.maxChunkSizeTokens, 800);
        await assert.rejects(async () => await client.vectorStoreFiles.create(store.id, { fileId: odd.id, ...soon }),
            /unsupported_file/);
        const failed = await client.vectorStoreFiles.get(store.id, odd.id);
        assert.deepEqual([failed.status, failed.lastError.code], ['failed', 'unsupported_file']);
        const completed = await all(client.vectorStoreFiles.list(store.id, { filter: 'completed' }));
        assert.deepEqual(completed.map((one) => one.id), [good.id]);
        const gone = await client.vectorStoreFiles.delete(store.id, odd.id);
        assert.deepEqual([gone.id, gone.deleted, gone.object], [odd.id, true, 'vector_store.file.deleted']);
        await assert.rejects(client.vectorStoreFiles.get(store.id, odd.id), refused(404));
        await assert.rejects(async () => await client.vectorStoreFiles.create(store.id, { fileId: 'none', ...soon }),
            refused(404));
        await client.vectorStores.delete(store.id);
    });

    test('puts files into a vector store in batches', async () => {
        const store = await client.vectorStores.create(soon);
        const ids = [];
        for (const name of ['a.txt', 'b.txt', 'c.txt']) ids.push((await upload('text', name)).id);
        const batch = await client.vectorStoreFileBatches.createAndPoll(store.id, {
            fileIds: ids, chunkingStrategy: { type: 'auto' }, ...soon,
        });
        assert.deepEqual([batch.object, batch.status, batch.vectorStoreId],
            ['vector_store.files_batch', 'completed', store.id]);
        assert.equal(batch.fileCounts.completed, 3);
        assert.deepEqual(await client.vectorStoreFileBatches.get(store.id, batch.id), batch);
        const files = await all(client.vectorStoreFileBatches.list(store.id, batch.id, { filter: 'completed', order: 'asc' }));
        assert.deepEqual(files.map((one) => one.id), ids);
        await assert.rejects(client.vectorStoreFileBatches.cancel(store.id, batch.id), refused(400));

        // The client's own create looks until it is done, when there is nothing left to cancel.
        const running = await call('POST', `/vector_stores/${store.id}/file_batches`, { file_ids: ids });
        assert.equal((await client.vectorStoreFileBatches.cancel(store.id, running.id)).status, 'cancelled');

        const assets = await client.vectorStoreFileBatches.create(store.id, {
            dataSources: [{ assetIdentifier: 'azureml://x/report.pdf', assetType: 'uri_asset' }], ...soon,
        });
        assert.equal(assets.fileCounts.total, 1);
        await client.vectorStores.delete(store.id);
    });
});

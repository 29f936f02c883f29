// Two people use the web chat, in windows of their own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const axe = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
let program, url, browser, network;

/** A network between the browser and the gateway, which can be cut. */
async function startNetwork(port) {
    const sockets = new Set();
    let isCut = false;
    const server = createServer((client) => {
        if (isCut) return client.destroy();
        const gateway = connect(port, '127.0.0.1');
        for (const [from, to] of [[client, gateway], [gateway, client]]) {
            sockets.add(from);
            from.on('error', () => to.destroy());
            from.on('close', () => { sockets.delete(from); to.destroy(); });
            from.pipe(to);
        }
        return undefined;
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        cut() {
            isCut = true;
            for (const socket of sockets) socket.destroy();
        },
        mend() { isCut = false; },
        close: () => server.close(),
    };
}

before(async () => {
    program = spawn(process.env.CORUN_WEB_CHAT, [process.env.CORUN_PAGES, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(createInterface({ input: program.stdout }), 'line');
    network = await startNetwork(Number(line.split(':').at(-1)));
    url = network.url;
    browser = await chromium.launch({ executablePath: process.env.CORUN_CHROMIUM, args: ['--no-sandbox'] });
});
after(async () => {
    await browser?.close();
    network.close();
    program.kill('SIGTERM');
    await once(program, 'exit');
});

/** A browser of a person who has signed in. What goes wrong in a page fails the test. */
async function signIn(name, options = {}) {
    const context = await browser.newContext(options);
    const problems = [];
    context.on('page', (page) => {
        page.on('pageerror', (error) => problems.push(String(error)));
        page.on('console', (message) => { if (message.type() === 'error' && !/401|ERR_|429|status of/.test(message.text())) problems.push(message.text()); });
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(url);
    await page.getByRole('button', { name: `Continue as ${name}` }).click();
    await page.getByLabel('Message').waitFor();
    return { context, page, close: async () => { await context.close(); assert.deepEqual(problems, []); } };
}

const ask = async (page, text) => {
    await page.getByLabel('Message').fill(text);
    await page.keyboard.press('Enter');
};
const answer = (page, text) => page.getByLabel('Assistant').getByText(text).last().waitFor();
const idle = (page) => page.getByRole('button', { name: 'Send' }).waitFor();
const picture = (page, name) => page.screenshot({ path: join(process.env.CORUN_SCREENSHOTS, `${name}.png`) });

/** No violation of WCAG 2.2 A or AA that axe finds. */
async function isAccessible(page) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
    assert.deepEqual(violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(' ')}`), []);
}

test('the page to sign in is accessible', async () => {
    const page = await browser.newPage();
    await page.goto(url);
    await page.getByRole('button', { name: 'Continue as Anna' }).waitFor();
    await isAccessible(page);
    await page.close();
});

for (const scheme of ['light', 'dark']) {
    test(`an answer is shown as it comes, with reasoning and Markdown (${scheme})`, async () => {
        const { page, close } = await signIn('Anna', { colorScheme: scheme, viewport: { width: 1100, height: 900 } });
        await ask(page, 'Plan a weekend in Oslo');
        // The text grows.
        await page.getByLabel('Assistant').getByText('Saturday').waitFor();
        assert.equal(await page.getByRole('button', { name: 'Stop' }).count(), 1);
        await idle(page);
        await page.getByRole('heading', { name: 'A weekend in Oslo' }).waitFor();
        assert.equal(await page.getByRole('cell', { name: 'Mathallen' }).count(), 1);
        const reasoning = page.getByText('Thought it over');
        assert.equal(await page.getByText('The user wants a plan').isVisible(), false);
        await reasoning.click();
        await page.getByText('The user wants a plan').waitFor();
        await reasoning.click();
        assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), scheme);
        await picture(page, scheme);
        await isAccessible(page);
        await close();
    });
}

test('each person approves with their own account', async () => {
    for (const name of ['Anna', 'Berta']) {
        const { page, close } = await signIn(name);
        await ask(page, 'Book seat 14A for me');
        await page.getByRole('button', { name: 'Approve' }).waitFor();
        await isAccessible(page);
        if (name === 'Anna') await picture(page, 'approval');
        // The keyboard is at the question.
        await page.waitForFunction(() => document.activeElement?.textContent === 'Approve');
        await page.keyboard.press('Enter');
        await answer(page, `Seat 14A is booked in the name of ${name}. Have a good trip!`);
        assert.equal(await page.getByLabel('Assistant').count(), 1);
        assert.equal(await page.getByLabel('Tool reserve_seat').count(), 1);
        await close();
    }
});

test('a decision survives a reload, and can be a denial', async () => {
    const { page, close } = await signIn('Anna');
    await ask(page, 'Book seat 14A for me');
    await page.getByRole('button', { name: 'Decline' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Decline' }).click();
    await page.getByText('was declined').waitFor();
    await idle(page);
    assert.equal(await page.getByLabel('Assistant').count(), 1);
    await close();
});

test('a reload and a second tab go on with the answer', async () => {
    const { context, page, close } = await signIn('Anna');
    await ask(page, 'Plan a weekend in Oslo');
    await page.getByLabel('Assistant').getByText('Saturday').waitFor();
    const second = await context.newPage();
    await second.goto(page.url());
    await page.reload();
    for (const each of [page, second]) {
        await each.getByText('when you are ready.').waitFor();
        await idle(each);
        assert.equal(await each.getByLabel('Assistant').count(), 1);
        assert.equal(await each.getByRole('heading', { name: 'A weekend in Oslo' }).count(), 1);
    }
    // The renderer loads what shows code when it is needed, and shows nothing in its place meanwhile.
    const texts = () => Promise.all([page, second].map((each) => each.getByLabel('Assistant').innerText()));
    const haveAll = (all) => all[0] === all[1] && all[0].includes('OSL ->');
    for (const end = Date.now() + 15_000; Date.now() < end && !haveAll(await texts());) await page.waitForTimeout(50);
    const shown = await texts();
    assert.equal(shown[0], shown[1]);
    assert.match(shown[0], /OSL ->/);
    // The chat is in the history.
    await page.getByRole('button', { name: 'New chat' }).click();
    await page.getByRole('navigation', { name: 'Chats' }).getByRole('button', { name: 'Plan a weekend in Oslo' }).first().click();
    await page.getByText('when you are ready.').waitFor();
    await close();
});

test('a lost connection is found again, and nothing is shown twice', async () => {
    const { page, close } = await signIn('Anna');
    await ask(page, 'tell me a long story');
    await page.getByLabel('Assistant').getByText('token').first().waitFor();
    network.cut();
    await page.getByText('The connection was lost.').waitFor();
    await picture(page, 'lost');
    network.mend();
    await idle(page);
    const text = await page.getByLabel('Assistant').innerText();
    assert.equal(await page.getByLabel('Assistant').count(), 1);
    assert.equal(text.match(/\S+/g).length, 400);
    await close();
});

test('stop ends the answer in every tab', async () => {
    const { context, page, close } = await signIn('Anna');
    await ask(page, 'tell me a long story');
    await page.getByLabel('Assistant').getByText('token').first().waitFor();
    const second = await context.newPage();
    await second.goto(page.url());
    await second.getByLabel('Assistant').getByText('token').first().waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    for (const each of [page, second]) await idle(each);
    const words = (await page.getByLabel('Assistant').innerText()).match(/\S+/g).length;
    assert.ok(words < 400);
    await close();
});

test('an error is one that a person understands, and can be tried again', async () => {
    const { page, close } = await signIn('Anna');
    await ask(page, 'Let something go wrong');
    await page.getByText('The AI service is busy. Try again in a moment.').waitFor();
    await picture(page, 'error');
    await isAccessible(page);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('The AI service is busy. Try again in a moment.').waitFor();
    await close();
});

test('a phone has room for it', async () => {
    const { page, close } = await signIn('Berta', { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true });
    await ask(page, 'Plan a weekend in Oslo');
    await idle(page);
    await page.getByText('when you are ready.').waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - 360);
    assert.ok(overflow <= 0, `${overflow} pixels too wide`);
    await picture(page, 'phone');
    await page.getByRole('button', { name: 'Chats', exact: true }).click();
    await page.getByRole('button', { name: 'New chat' }).waitFor();
    await isAccessible(page);
    await close();
});

test('nobody sees another person\'s tokens', async () => {
    const { page, close } = await signIn('Anna');
    const cookies = await page.evaluate(() => document.cookie);
    assert.equal(cookies, '');
    const bundle = await (await fetch(`${url}/app.js`)).text();
    assert.ok(!bundle.includes('booking-token'));
    await close();
});

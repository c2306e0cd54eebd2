// Opens a page in headless Chromium and prints what can be measured of it, as JSON.
//   node look.mjs PAGE PROFILE [WIDTH light|dark [PNG]]
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

const [page, profile, width = "360", scheme = "light", png] = process.argv.slice(2);
const browser = spawn(
  "chromium",
  ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", `--user-data-dir=${profile}`],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
);
const [commands, answers] = browser.stdio.slice(3);

let last = 0;
const waiting = new Map();
const complaints = [];
let loaded;
const load = new Promise((resolve) => (loaded = resolve));
let pending = "";
answers.on("data", (bytes) => {
  const messages = (pending + bytes).split("\0");
  pending = messages.pop();
  for (const { id, method, params, result, error } of messages.map((message) => JSON.parse(message))) {
    if (id) waiting.get(id)(error ? Promise.reject(new Error(error.message)) : result);
    if (method === "Page.loadEventFired") loaded();
    if (method === "Log.entryAdded") complaints.push(params.entry.text);
    if (method === "Runtime.exceptionThrown") complaints.push(params.exceptionDetails.text);
  }
});
const send = (method, params = {}, sessionId) =>
  new Promise((resolve) => {
    waiting.set(++last, resolve);
    commands.write(JSON.stringify({ id: last, method, params, sessionId }) + "\0");
  });

const { targetId } = await send("Target.createTarget", { url: "about:blank" });
const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
const tab = (method, params) => send(method, params, sessionId);
const value = async (expression) =>
  (await tab("Runtime.evaluate", { expression, returnByValue: true })).result.value;

for (const domain of ["Page", "Log", "Runtime"]) await tab(`${domain}.enable`);
await tab("Emulation.setDeviceMetricsOverride", { width: +width, height: 900, deviceScaleFactor: 1, mobile: false });
await tab("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
await tab("Page.navigate", { url: `file://${page}` });
await load;
const visible = "[...document.querySelectorAll('.finding')].filter((e) => e.checkVisibility()).length";
const measured = {
  width: await value("document.documentElement.scrollWidth"),
  background: await value("getComputedStyle(document.body).backgroundColor"),
  findings: await value(visible),
  scripts: await value("document.scripts.length"),
};
if (png) writeFileSync(png, Buffer.from((await tab("Page.captureScreenshot", {})).data, "base64"));
await tab("Emulation.setEmulatedMedia", { media: "print" });
measured.printed = await value("document.documentElement.scrollWidth");
await tab("Emulation.setEmulatedMedia", { media: "" });
// The filters work without a script of the page.
await value("document.querySelector('#level-error').click()");
measured.withoutErrors = await value(visible);
await value("document.querySelector('form').reset()");
await value("document.querySelector('#r0').selected = true");
measured.ofFirstRule = await value(visible);
await value("document.querySelector('form').reset()");
measured.afterReset = await value(visible);
measured.complaints = complaints;
console.log(JSON.stringify(measured));
await send("Browser.close");

// One tab of headless Chromium, steered through a pipe.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

// Opens a tab with a new profile in the folder `profile`.
export async function open(profile) {
  const browser = spawn(
    "chromium",
    ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", `--user-data-dir=${profile}`],
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
  );
  const [commands, answers] = browser.stdio.slice(3);
  let last = 0;
  let loaded = () => {};
  let pending = "";
  const waiting = new Map();
  const complaints = [];
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
  for (const domain of ["Page", "Log", "Runtime"]) await tab(`${domain}.enable`);

  // Does something that leads to another page, and waits for it.
  const during = async (act) => {
    const load = new Promise((resolve) => (loaded = resolve));
    await act();
    await load;
  };
  return {
    tab,
    complaints,
    during,
    value: async (expression) =>
      (await tab("Runtime.evaluate", { expression, returnByValue: true })).result.value,
    go: (url) => during(() => tab("Page.navigate", { url })),
    look: async (width, scheme) => {
      const size = { width: +width, height: 900, deviceScaleFactor: 1, mobile: false };
      await tab("Emulation.setDeviceMetricsOverride", size);
      await tab("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    },
    press: async (key, modifiers = 0) => {
      const text = key === "Enter" ? "\r" : undefined;
      const code = { Enter: 13, Tab: 9 }[key];
      for (const type of ["keyDown", "keyUp"])
        await tab("Input.dispatchKeyEvent", { type, key, modifiers, windowsVirtualKeyCode: code, ...(type === "keyDown" && text ? { text } : {}) });
    },
    picture: async (png, whole = false) => {
      const { data } = await tab("Page.captureScreenshot", { captureBeyondViewport: whole });
      writeFileSync(png, Buffer.from(data, "base64"));
    },
    close: () => send("Browser.close"),
  };
}

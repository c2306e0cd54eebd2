// Walks through the pages of a service in headless Chromium by keyboard, without scripts, and prints what can be measured.
//   node walk.mjs URL TOKEN REQUEST PROFILE PICTURES [WIDTH light|dark]
import { open } from "../reports/browser.mjs";

const [url, token, request, profile, pictures, width = "1100", scheme = "light"] = process.argv.slice(2);
const { tab, complaints, value, during, go, look, press, picture, close } = await open(profile);

// What a screen reader has to go by, and what does not fit.
const measure = async (name) => {
  const seen = JSON.parse(
    await value(`JSON.stringify({
      title: document.title,
      main: document.querySelectorAll("main").length,
      headings: document.querySelectorAll("h1").length,
      language: document.documentElement.lang,
      unlabelled: [...document.querySelectorAll("input:not([type=hidden]), textarea")].filter((e) => !e.labels.length).length,
      nameless: [...document.querySelectorAll("a, button")].filter((e) => !e.textContent.trim()).length,
      navigation: document.querySelectorAll("nav[aria-label]").length,
      current: document.querySelector("nav [aria-current]")?.textContent ?? null,
      columns: [...document.querySelectorAll("thead th")].every((e) => e.scope === "col"),
      width: document.documentElement.scrollWidth,
      scripts: document.scripts.length,
      background: getComputedStyle(document.body).backgroundColor,
      text: document.querySelector("main").innerText,
    })`),
  );
  await picture(`${pictures}/${name}-${scheme}-${width}.png`, true);
  return seen;
};

await look(width, scheme);
await tab("Emulation.setScriptExecutionDisabled", { value: true });
const seen = {};
await go(`${url}/page`);
seen.login = await measure("login");
// The field has the focus; a token is pasted and sent with the keyboard alone.
await tab("Input.insertText", { text: "pmk_no-such-token" });
await during(() => press("Enter"));
seen.wrong = await measure("wrong");
await tab("Input.insertText", { text: token });
await during(() => press("Enter"));
seen.decisions = await measure("decisions");
seen.cookie = await value("document.cookie");
// The first stop of the keyboard leads past the navigation, and is seen.
await press("Tab");
seen.skip = await value("document.activeElement.textContent");
seen.outline = await value("getComputedStyle(document.activeElement).outlineStyle");
for (const name of ["profiles", "log", "requests"]) {
  await go(`${url}/page/${name}`);
  seen[name] = await measure(name);
}
await go(`${url}/page/log/0`);
seen.entry = await measure("entry");
await go(`${url}/page/requests/${request}`);
seen.request = await measure("request");
await value("document.querySelector('#reason').focus()");
await tab("Input.insertText", { text: "looked at <b>it</b>" });
await press("Tab");
seen.button = await value("document.activeElement.textContent");
await during(() => press("Enter"));
seen.decided = await measure("decided");
await value("document.querySelector('.top form button').focus()");
await during(() => press("Enter"));
seen.out = await measure("out");
await go(`${url}/page`);
seen.after = await value("document.title");
seen.complaints = complaints;
console.log(JSON.stringify(seen));
await close();

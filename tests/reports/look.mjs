// Opens a page in headless Chromium and prints what can be measured of it, as JSON.
//   node look.mjs PAGE PROFILE [WIDTH light|dark [PNG]]
import { open } from "./browser.mjs";

const [page, profile, width = "360", scheme = "light", png] = process.argv.slice(2);
const { tab, complaints, value, go, look, picture, close } = await open(profile);

await look(width, scheme);
await go(`file://${page}`);
const visible = "[...document.querySelectorAll('.finding')].filter((e) => e.checkVisibility()).length";
const measured = {
  width: await value("document.documentElement.scrollWidth"),
  background: await value("getComputedStyle(document.body).backgroundColor"),
  findings: await value(visible),
  scripts: await value("document.scripts.length"),
};
if (png) await picture(png);
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
await close();

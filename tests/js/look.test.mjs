import assert from "node:assert/strict";
import { test } from "node:test";
import { element, Page, plain } from "./page.mjs";

const look = { boxesOf: () => [], describe: () => ({}), opacityOf: () => ({ product: 1 }) };
const script = (name) => new Page([element("div", {})], { __hyperframesRenderLook: look }).load(name);

const box = (left, top, right, bottom) => ({ left, top, right, bottom, width: right - left, height: bottom - top });
const FRAME = box(0, 0, 320, 180);

test("a line that leaves its box by more than the space around letters is cut, at the side with most pixels", () => {
  const { cutOf } = script("look-text");
  const cases = [
    [box(10, 10, 300, 34), null],
    [box(10, 10, 321, 34), null],
    [box(10, 10, 400, 34), { side: "right", pixels: 80 }],
    [box(-50, 10, 340, 34), { side: "left", pixels: 50 }],
    [box(10, 150, 100, 184), null],
    [box(10, 160, 100, 200), { side: "bottom", pixels: 20 }],
    [box(10, 175, 100, 200), null],
    [box(10, -16, 100, 14), { side: "top", pixels: 16 }],
  ];
  for (const [line, cut] of cases) assert.deepEqual(plain(cutOf([line], FRAME, 0)), cut, JSON.stringify(line));
});

test("a line outside its box counts only beside one that is inside", () => {
  const { cutOf } = script("look-text");
  const [inside, outside] = [box(10, 150, 100, 174), box(10, 190, 100, 214)];
  assert.equal(cutOf([outside], FRAME, 0), null);
  assert.deepEqual(plain(cutOf([inside, outside], FRAME, 0)), { side: "bottom", pixels: 34 });
});

test("the space after the last letter is not cut", () => {
  const { cutOf } = script("look-text");
  assert.equal(cutOf([box(10, 10, 330, 34)], FRAME, 10), null);
});

test("the first family of a list may have a comma in its quotes", () => {
  const { firstOf } = script("look-fonts");
  const lists = { 'Inter, "Segoe UI"': "Inter", '"Acme, Sans", serif': "Acme, Sans", "'Lato'": "Lato", "": "" };
  for (const [list, family] of Object.entries(lists)) assert.equal(firstOf(list), family, list);
});

const tl = gsap.timeline({ paused: true });
tl.from("#t", { x: -80, duration: 0.5 }, 0);
window.__timelines = { m: tl };

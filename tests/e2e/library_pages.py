"""Small pages that draw with a library from a CDN: markup, the time to look (seconds), and pixels that must be seen.

A pixel is (x, y, colour); the frame has 320 by 180 pixels and is black where nothing is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)
Pixel = tuple[int, int, tuple[int, int, int]]
NPM, CDNJS = "https://cdn.jsdelivr.net/npm", "https://cdnjs.cloudflare.com/ajax/libs"


@dataclass(frozen=True)
class LibraryPage:
    """`head` and `body` of the page, the time to look at in seconds, and the pixels that must be seen."""

    head: str
    body: str
    pixels: tuple[Pixel, ...] = ()
    at: float = 0.9
    #: A box in which something must be drawn: left, top, right, bottom.
    drawn_in: tuple[int, int, int, int] | None = None


def script(address: str) -> str:
    """A script element for an address."""
    return f'<script src="{address}"></script>'


def sheet(address: str) -> str:
    """A link to a style sheet."""
    return f'<link rel="stylesheet" href="{address}">'


_BOX = "position:absolute;left:0;top:0;width:100px;height:100px"

PAGES = {
    "tailwind3": LibraryPage(
        script("https://cdn.tailwindcss.com")
        + '<script>tailwind.config = { theme: { extend: { colors: { brand: "#00f" } } } }</script>',
        '<div class="absolute left-0 top-0 w-24 h-24 bg-red-500"></div>'
        '<div class="absolute left-24 top-0 w-24 h-24 bg-brand"></div>',
        ((50, 50, (239, 68, 68)), (150, 50, BLUE)),
    ),
    "chart.js": LibraryPage(
        script(f"{NPM}/chart.js"),
        """<canvas id="c" width="320" height="180"></canvas><script>
        new Chart(document.getElementById("c"), { type: "bar", data: { labels: ["a"], datasets: [{ data: [1],
          backgroundColor: "#f00", barPercentage: 1, categoryPercentage: 1 }] }, options: { animation: false,
          responsive: false, scales: { x: { display: false }, y: { display: false, min: 0, max: 2 } },
          plugins: { legend: { display: false } } } });</script>""",
        ((160, 150, RED), (160, 30, BLACK)),
    ),
    "react-umd-babel": LibraryPage(
        script("https://unpkg.com/react@18/umd/react.production.min.js")
        + script("https://unpkg.com/react-dom@18/umd/react-dom.production.min.js")
        + script("https://unpkg.com/@babel/standalone/babel.min.js"),
        f"""<div id="root"></div><script type="text/babel">
        const style = Object.fromEntries("{_BOX};background:#f00".split(";").map((rule) => rule.split(":")));
        const Box = () => {{ const [on, set] = React.useState(false); React.useEffect(() => set(true), []);
          return on ? <div style={{style}} /> : null; }};
        ReactDOM.createRoot(document.getElementById("root")).render(<Box />);</script>""",
        ((50, 50, RED),),
    ),
    "react-modules": LibraryPage(
        """<script type="importmap">{ "imports": { "react": "https://esm.sh/react@18.2.0",
        "react-dom/client": "https://esm.sh/react-dom@18.2.0/client" } }</script>""",
        f"""<div id="root"></div><script type="module">
        import {{ createElement, useState, useEffect }} from "react"; import {{ createRoot }} from "react-dom/client";
        const style = Object.fromEntries("{_BOX};background:#0f0".split(";").map((rule) => rule.split(":")));
        const Box = () => {{ const [on, set] = useState(false); useEffect(() => set(true), []);
          return on ? createElement("div", {{ style }}) : null; }};
        createRoot(document.getElementById("root")).render(createElement(Box));</script>""",
        ((50, 50, GREEN),),
    ),
    "vue": LibraryPage(
        script("https://unpkg.com/vue@3/dist/vue.global.js"),
        f"""<div id="app">
        <div v-for="n in 2" :style="'{_BOX};background:#f00;left:' + (n - 1) * 100 + 'px'"></div></div>
        <script>Vue.createApp({{}}).mount("#app")</script>""",
        ((50, 50, RED), (150, 50, RED), (250, 50, BLACK)),
    ),
    "preact-htm": LibraryPage(
        "",
        f"""<script type="module">import {{ html, render }} from "https://esm.sh/htm/preact";
        render(html`<div style="{_BOX};background:#00f"></div>`, document.body);</script>""",
        ((50, 50, BLUE),),
    ),
    "p5": LibraryPage(
        script(f"{CDNJS}/p5.js/1.9.0/p5.min.js"),
        """<script>function setup() { pixelDensity(1); createCanvas(320, 180).position(0, 0); }
        function draw() { background(0); noStroke(); fill(255, 0, 0); rect(0, 0, 100, 100); }</script>""",
        ((50, 50, RED), (200, 50, BLACK)),
    ),
    "pixi8": LibraryPage(
        script(f"{NPM}/pixi.js@8/dist/pixi.min.js"),
        """<script>(async () => { const app = new PIXI.Application();
        await app.init({ width: 320, height: 180, background: "#000", preserveDrawingBuffer: true });
        document.body.appendChild(app.canvas); app.canvas.style = "position:absolute;left:0;top:0";
        app.stage.addChild(new PIXI.Graphics().rect(0, 0, 100, 100).fill("#f00")); })();</script>""",
        ((50, 50, RED), (200, 50, BLACK)),
    ),
    "matter": LibraryPage(
        script(f"{CDNJS}/matter-js/0.19.0/matter.min.js"),
        """<canvas id="c" width="320" height="180" style="position:absolute;left:0;top:0"></canvas><script>
        const engine = Matter.Engine.create({ gravity: { y: 0 } });
        const box = Matter.Bodies.rectangle(50, 50, 100, 100); Matter.Composite.add(engine.world, box);
        const pen = document.getElementById("c").getContext("2d");
        requestAnimationFrame(function step() { Matter.Engine.update(engine, 16); pen.fillStyle = "#f00";
          const { min, max } = box.bounds; pen.fillRect(min.x, min.y, max.x - min.x, max.y - min.y);
          requestAnimationFrame(step); });</script>""",
        ((50, 50, RED), (200, 50, BLACK)),
    ),
    "bootstrap": LibraryPage(
        sheet(f"{NPM}/bootstrap@5.3.2/dist/css/bootstrap.min.css"),
        '<div class="bg-danger position-absolute top-0 start-0 w-25 h-100"></div>',
        ((40, 90, (220, 53, 69)),),
    ),
    "animate.css": LibraryPage(
        sheet(f"{CDNJS}/animate.css/4.1.1/animate.min.css"),
        f'<div class="animate__animated animate__fadeIn" style="{_BOX};background:#fff"></div>',
        ((50, 50, (205, 205, 205)),),  # the curve "ease" is at 0.802 of its way at half the time
        at=0.5,
    ),
    "font-awesome": LibraryPage(
        sheet(f"{CDNJS}/font-awesome/6.5.1/css/all.min.css"),
        '<i class="fa-solid fa-square" style="position:absolute;left:0;top:0;font-size:100px;color:#f00"></i>',
        ((40, 50, RED), (60, 50, RED)),
    ),
    "bootstrap-icons": LibraryPage(
        sheet(f"{NPM}/bootstrap-icons@1.11.1/font/bootstrap-icons.css"),
        '<i class="bi bi-square-fill" '
        'style="position:absolute;left:0;top:0;font-size:100px;line-height:1;color:#0f0"></i>',
        ((50, 50, GREEN),),
    ),
    "material-icons": LibraryPage(
        sheet("https://fonts.googleapis.com/icon?family=Material+Icons"),
        '<i class="material-icons" style="position:absolute;left:0;top:0;font-size:100px;color:#f00">square</i>',
        ((50, 50, RED),),
    ),
    "lucide": LibraryPage(
        script("https://unpkg.com/lucide@latest"),
        '<i data-lucide="square" fill="red" style="position:absolute;left:0;top:0;width:100px;height:100px"></i>'
        "<script>lucide.createIcons()</script>",
        ((50, 50, RED),),
    ),
    "katex": LibraryPage(
        sheet(f"{NPM}/katex@0.16.8/dist/katex.min.css") + script(f"{NPM}/katex@0.16.8/dist/katex.min.js"),
        '<div id="k" style="position:absolute;left:0;top:0;font-size:60px;color:#fff"></div><script>'
        'katex.render("\\\\frac{a}{b}", document.getElementById("k"))</script>',
        drawn_in=(0, 0, 120, 180),
    ),
    "highlight.js": LibraryPage(
        sheet(f"{CDNJS}/highlight.js/11.9.0/styles/github-dark.min.css")
        + script(f"{CDNJS}/highlight.js/11.9.0/highlight.min.js"),
        '<pre style="position:absolute;left:0;top:0;width:320px;height:180px;margin:0"><code class="language-js">'
        "const a = 1;</code></pre><script>hljs.highlightAll()</script>",
        ((300, 10, (13, 17, 23)),),
        drawn_in=(0, 0, 200, 60),
    ),
    "mermaid": LibraryPage(
        script(f"{NPM}/mermaid@10/dist/mermaid.min.js"),
        '<pre class="mermaid" style="position:absolute;left:0;top:0;background:#fff">graph LR; A--&gt;B</pre>'
        "<script>mermaid.initialize({ startOnLoad: true })</script>",
        drawn_in=(0, 0, 320, 120),
    ),
    "leaflet": LibraryPage(
        sheet("https://unpkg.com/leaflet@1.9.4/dist/leaflet.css")
        + script("https://unpkg.com/leaflet@1.9.4/dist/leaflet.js"),
        """<div id="map" style="position:absolute;inset:0"></div><script>
        const map = L.map("map", { zoomControl: false, attributionControl: false }).setView([0, 0], 1);
        L.rectangle([[-60, -80], [60, 80]], { color: "#f00", fillOpacity: 1, weight: 0 }).addTo(map);</script>""",
        ((160, 90, RED),),
    ),
    "echarts": LibraryPage(
        script(f"{NPM}/echarts@5.4.3/dist/echarts.min.js"),
        """<div id="e" style="position:absolute;inset:0;width:320px;height:180px"></div><script>
        echarts.init(document.getElementById("e")).setOption({ animation: false, grid: { left: 0, right: 0, top: 0,
          bottom: 0 }, xAxis: { data: ["a"], show: false }, yAxis: { show: false, max: 2 },
          series: [{ type: "bar", data: [1], barWidth: "100%", itemStyle: { color: "#f00" } }] });</script>""",
        ((160, 150, RED), (160, 30, BLACK)),
    ),
    "d3-modules": LibraryPage(
        "",
        """<svg width="320" height="180" style="position:absolute;left:0;top:0"></svg><script type="module">
        import { scaleLinear } from "https://esm.sh/d3-scale@4";
        import * as d3 from "https://cdn.jsdelivr.net/npm/d3@7/+esm";
        const x = scaleLinear([0, 1], [0, 200]);
        d3.select("svg").append("rect").attr("width", x(0.5)).attr("height", 100).attr("fill", "#f00");</script>""",
        ((50, 50, RED), (150, 50, BLACK)),
    ),
    "motion": LibraryPage(
        "",
        f"""<div id="m" style="{_BOX};background:#f00"></div><script type="module">
        import {{ animate }} from "{NPM}/motion@11.11.13/+esm";
        animate("#m", {{ x: 200 }}, {{ duration: 0.5, ease: "linear" }});</script>""",
        ((250, 50, RED), (50, 50, BLACK)),
    ),
    "gsap-modules": LibraryPage(
        "",
        f"""<div id="g" style="{_BOX};background:#0f0"></div><script type="module">
        import gsap from "https://esm.sh/gsap"; import {{ CustomEase }} from "https://esm.sh/gsap/CustomEase";
        gsap.registerPlugin(CustomEase); gsap.to("#g", {{ x: 200, duration: 0.5, ease: "none" }});</script>""",
        ((250, 50, GREEN), (50, 50, BLACK)),
    ),
    "three-modules": LibraryPage(
        "",
        """<script type="module">import * as THREE from "https://esm.sh/three@0.160.0";
        import { OrbitControls } from "https://esm.sh/three@0.160.0/examples/jsm/controls/OrbitControls.js";
        const renderer = new THREE.WebGLRenderer({ preserveDrawingBuffer: true }); renderer.setSize(320, 180);
        document.body.appendChild(renderer.domElement).style = "position:absolute;left:0;top:0";
        const camera = new THREE.PerspectiveCamera(60, 16 / 9); camera.position.z = 2;
        new OrbitControls(camera, renderer.domElement);
        const scene = new THREE.Scene(); scene.add(new THREE.Mesh(new THREE.BoxGeometry(),
          new THREE.MeshBasicMaterial({ color: "#f00" }))); renderer.render(scene, camera);</script>""",
        ((160, 90, RED), (10, 10, BLACK)),
    ),
    "jquery-lodash": LibraryPage(
        script("https://code.jquery.com/jquery-3.7.1.min.js") + script(f"{NPM}/lodash@4.17.21/lodash.min.js"),
        f"""<script>$("<div>").attr("style", _.trim("  {_BOX};background:#f00 ")).appendTo("body")</script>""",
        ((50, 50, RED),),
    ),
    "alpine": LibraryPage(
        f'<script defer src="{NPM}/alpinejs@3.x.x/dist/cdn.min.js"></script>',
        f"""<div x-data="{{ on: true }}"><div x-show="on" :style="'{_BOX};background:#00f'"></div></div>""",
        ((50, 50, BLUE),),
    ),
    "confetti": LibraryPage(
        script(f"{NPM}/canvas-confetti@1.9.3/dist/confetti.browser.min.js"),
        """<script>confetti({ particleCount: 200, disableForReducedMotion: false })</script>""",
        at=0.5,
        drawn_in=(60, 0, 260, 180),
    ),
    "splitting-aos-typed": LibraryPage(
        script("https://unpkg.com/splitting/dist/splitting.min.js") + script(f"{NPM}/typed.js@2.0.12"),
        f"""<h1 id="s" style="position:absolute;opacity:0">ab</h1><b id="t" style="position:absolute;opacity:0"></b>
        <script>Splitting({{ target: "#s" }}); new Typed("#t", {{ strings: ["abc"], typeSpeed: 1 }});
        const colour = document.querySelectorAll("#s .char").length === 2 ? "#0f0" : "#f00";
        document.body.insertAdjacentHTML("beforeend", `<div style="{_BOX};background:${{colour}}"></div>`);
        </script>""",
        ((50, 50, GREEN),),
    ),
    "mermaid-module": LibraryPage(
        "",
        f"""<pre class="mermaid" style="position:absolute;left:0;top:0;background:#fff">graph LR; A--&gt;B</pre>
        <script type="module">import mermaid from "{NPM}/mermaid@11/dist/mermaid.esm.min.mjs";
        await mermaid.run();</script>""",
        drawn_in=(0, 0, 320, 120),
    ),
    "react-jsdelivr": LibraryPage(
        "",
        f"""<div id="root"></div><script type="module">
        import React from "{NPM}/react/+esm"; import {{ createRoot }} from "{NPM}/react-dom@18/client/+esm";
        import {{ motion }} from "https://esm.sh/framer-motion@11";
        const Box = () => {{ const [on, set] = React.useState(false); React.useEffect(() => set(true), []);
          const style = {{ position: "absolute", left: 0, top: 0, width: 100, height: 100, background: "#0f0" }};
          return on ? React.createElement(motion.div, {{ style }}) : null; }};
        createRoot(document.getElementById("root")).render(React.createElement(Box));</script>""",
        ((50, 50, GREEN),),
    ),
    "font-awesome4": LibraryPage(
        sheet(f"{CDNJS}/font-awesome/4.7.0/css/font-awesome.min.css"),
        '<i class="fa fa-square" style="position:absolute;left:0;top:0;font-size:100px;color:#f00"></i>',
        ((40, 50, RED), (60, 50, RED)),
    ),
    "material-symbols": LibraryPage(
        sheet("https://fonts.googleapis.com/css2?family=Inter&family=Material+Symbols+Outlined:FILL@0..1&display=swap"),
        '<i class="material-symbols-outlined" style="position:absolute;left:0;top:0;font-size:100px;color:#f00;'
        "font-variation-settings:'FILL' 1\">square</i>",
        ((50, 50, RED),),
    ),
    "anime3-module": LibraryPage(
        "",
        f"""<script type="module">import anime from "https://esm.sh/animejs@3.2.1";
        const colour = typeof anime === "function" && anime({{ targets: {{ x: 0 }}, x: 1 }}).play ? "#0f0" : "#f00";
        document.body.insertAdjacentHTML("beforeend", `<div style="{_BOX};background:${{colour}}"></div>`);
        </script>""",
        ((50, 50, GREEN),),
    ),
    "apexcharts": LibraryPage(
        script(f"{NPM}/apexcharts"),
        """<div id="a"></div><script>new ApexCharts(document.getElementById("a"), { chart: { type: "bar", width: 320,
        height: 180, animations: { enabled: false }, toolbar: { show: false } }, colors: ["#ff0000"],
        plotOptions: { bar: { columnWidth: "100%" } }, dataLabels: { enabled: false }, xaxis: { categories: ["a"] },
        series: [{ name: "n", data: [1] }], yaxis: { min: 0, max: 1 }, states: {} }).render();</script>""",
        drawn_in=(0, 0, 320, 180),
    ),
    "highlight-module": LibraryPage(
        "",
        f"""<script type="module">import hljs from "https://esm.sh/highlight.js@11";
        const found = hljs.highlight("const a = 1", {{ language: "js" }}).value.includes("hljs-keyword");
        document.body.insertAdjacentHTML("beforeend", `<div style="{_BOX};background:${{found ? "#0f0" : "#f00"}}">`);
        </script>""",
        ((50, 50, GREEN),),
    ),
}

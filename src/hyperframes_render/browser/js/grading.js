// Runs before any script of the page: the page runtime grades pictures and films (data-color-grading) with one shader
// that has all corrections and effects in it. Without a graphics processor each pixel goes through all of them, used or
// not: 4 to 9 s for a picture of 640x360 on a busy machine. Here it is drawn with a shader in which what is zero is a
// constant, so that the compiler drops it: 20 to 40 ms, and the same picture to the bit. Pictures graded alike share one.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderGrading")) return;
  Object.defineProperty(window, "__hyperframesRenderGrading", { value: true });
  const prototype = window.WebGLRenderingContext?.prototype;
  if (!prototype) return;
  const MARKS = ["u_kuwaharaSource", "u_bloomReady"]; // names that only the runtime's shader has
  // Cheap corrections, what follows the time and what is a place: pictures that differ in these alone share a shader.
  const KEPT =
    /^u_(exposure|contrast|highlights|shadows|whites|blacks|temperature|tint|vibrance|saturation|intensity|vignette\w*|grain\w*|lut\w*|\w+Wheel|\w+Time|uv\w+|palette\d)$/;
  const MAX_SHADERS = 16; // each takes a second or two to compile
  const UNIFORM = /\buniform\s+(?:(?:highp|mediump|lowp)\s+)?(float|vec[234]|sampler2D)\s+(\w+)\s*;/g;
  const { attachShader, getShaderSource } = prototype;
  const graders = new WeakMap(); // by context

  prototype.attachShader = function (program, shader) {
    const text = getShaderSource.call(this, shader) ?? "";
    if (!MARKS.every((mark) => text.includes(mark))) return attachShader.call(this, program, shader);
    if (!graders.has(this)) graders.set(this, grader(this));
    graders.get(this).add(program, text);
  };

  // What the runtime's own program becomes: it has the uniforms, and is compiled at once.
  function stub(text) {
    const uniforms = [...text.matchAll(UNIFORM)].map(([declaration, kind, name]) => ({ declaration, kind, name }));
    const value = { float: (name) => name, sampler2D: (name) => `texture2D(${name}, vec2(0.0)).x` };
    const sum = uniforms.map(({ kind, name }) => (value[kind] ?? ((vector) => `${vector}.x`))(name)).join(" + ");
    return `precision highp float;\n${uniforms.map((one) => one.declaration).join("\n")}\nvoid main() { gl_FragColor = vec4(${sum || "0.0"}); }`;
  }

  // Takes over those calls of one context that it needs; what it is not about goes to the browser as before.
  function grader(gl) {
    const call = (name, ...values) => prototype[name].call(gl, ...values);
    const setters = {};
    for (const name in prototype) if (/^uniform[1-4]/.test(name)) setters[name] = prototype[name];
    const { useProgram, getUniformLocation, drawArrays } = prototype;
    const programs = new Map(); // of the runtime: the shader's text, and its uniforms by name as [setter, values]
    const names = new WeakMap(); // of uniforms, by location
    const shaders = new Map(); // made here, by the names of what is zero in them
    let current = null;

    gl.useProgram = (program) => {
      current = program;
      useProgram.call(gl, program);
    };
    gl.getUniformLocation = (program, name) => {
      const location = getUniformLocation.call(gl, program, name);
      if (location && programs.has(program)) names.set(location, name);
      return location;
    };
    for (const [name, set] of Object.entries(setters)) {
      gl[name] = (location, ...values) => {
        set.call(gl, location, ...values);
        if (location && names.has(location))
          programs
            .get(current)
            ?.uniforms.set(names.get(location), [name, values.map((value) => value?.slice?.() ?? value)]);
      };
    }
    gl.drawArrays = (...values) => {
      const shader = programs.has(current) && shaderFor(current);
      if (!shader) return drawArrays.call(gl, ...values);
      useProgram.call(gl, shader.program);
      for (const [name, [setter, value]] of programs.get(current).uniforms) {
        if (!shader.places.has(name)) shader.places.set(name, getUniformLocation.call(gl, shader.program, name));
        const place = shader.places.get(name);
        if (place) setters[setter].call(gl, place, ...value);
      }
      drawArrays.call(gl, ...values);
      useProgram.call(gl, current);
    };

    function shaderFor(program) {
      const zero = [...programs.get(program).uniforms]
        .filter(
          ([name, [setter, value]]) =>
            /^uniform[1-4]f$/.test(setter) && value.every((part) => part === 0) && !KEPT.test(name),
        )
        .map(([name]) => name)
        .sort();
      const exact = shaders.has(zero.join()) || shaders.size < MAX_SHADERS ? shaderOf(program, zero) : null;
      // One in which more is left than is needed draws the same.
      const isZero = new Set(zero);
      return (
        exact ??
        [...shaders.values()].find((shader) => shader?.zero.every((name) => isZero.has(name))) ??
        shaderOf(program, [])
      );
    }

    function shaderOf(program, zero) {
      const key = zero.join();
      if (!shaders.has(key)) shaders.set(key, made(program, zero));
      return shaders.get(key);
    }

    function made(program, zero) {
      const [vertex] = call("getAttachedShaders", program).filter(
        (shader) => call("getShaderParameter", shader, gl.SHADER_TYPE) === gl.VERTEX_SHADER,
      );
      const text = programs
        .get(program)
        .text.replace(UNIFORM, (whole, kind, name) =>
          zero.includes(name) ? `const ${kind} ${name} = ${kind}(0.0);` : whole,
        );
      const result = call("createProgram");
      attachShader.call(gl, result, compiled(gl.VERTEX_SHADER, getShaderSource.call(gl, vertex)));
      attachShader.call(gl, result, compiled(gl.FRAGMENT_SHADER, text));
      for (let i = 0; i < call("getProgramParameter", program, gl.ACTIVE_ATTRIBUTES); i++) {
        const { name } = call("getActiveAttrib", program, i);
        call("bindAttribLocation", result, call("getAttribLocation", program, name), name);
      }
      call("linkProgram", result);
      return call("getProgramParameter", result, gl.LINK_STATUS) ? { program: result, zero, places: new Map() } : null;
    }

    function compiled(type, text) {
      const shader = call("createShader", type);
      call("shaderSource", shader, text);
      call("compileShader", shader);
      return shader;
    }

    function add(program, text) {
      programs.set(program, { text, uniforms: new Map() });
      attachShader.call(gl, program, compiled(gl.FRAGMENT_SHADER, stub(text)));
    }

    return { add };
  }
})();

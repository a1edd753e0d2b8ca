// Faster colour grading. Runs before any script of the page. The page runtime grades images and videos
// (data-color-grading) with one shader that contains all corrections and effects. Without a GPU every pixel is computed
// with all of them, used or not: 4 to 9 s for a frame of 640x360 on a busy machine. Here the frame is drawn with a shader
// in which uniforms that are zero are constants, so that the compiler removes their code: 20 to 40 ms, and the same frame
// bit by bit. Images with the same grading share a shader.
(() => {
  "use strict";
  if (Object.hasOwn(window, "__hyperframesRenderGrading")) return;
  Object.defineProperty(window, "__hyperframesRenderGrading", { value: true });
  const prototype = window.WebGLRenderingContext?.prototype;
  if (!prototype) return;
  const MARKS = ["u_kuwaharaSource", "u_bloomReady"]; // only the runtime's shader has these uniforms
  // Uniforms that stay variable: cheap corrections, times and positions. Images that differ only in these share a shader.
  const KEPT =
    /^u_(exposure|contrast|highlights|shadows|whites|blacks|temperature|tint|vibrance|saturation|intensity|vignette\w*|grain\w*|lut\w*|\w+Wheel|\w+Time|uv\w+|palette\d)$/;
  const MAX_SHADERS = 16; // each takes a second or two to compile
  const UNIFORM = /\buniform\s+(?:(?:highp|mediump|lowp)\s+)?(float|vec[234]|sampler2D)\s+(\w+)\s*;/g;
  const { attachShader, getShaderSource } = prototype;
  /** @typedef {{ program: WebGLProgram, zero: string[], locations: Map<string, WebGLUniformLocation | null> }} Specialised */
  /** @typedef {{ text: string, uniforms: Map<string, [setter: string, values: any[]]> }} RuntimeProgram */

  /** @type {WeakMap<WebGLRenderingContext, { add(program: WebGLProgram, text: string): void }>} */
  const graders = new WeakMap(); // by context

  prototype.attachShader = function (program, shader) {
    const text = getShaderSource.call(this, shader) ?? "";
    if (!MARKS.every((mark) => text.includes(mark))) return attachShader.call(this, program, shader);
    const found = graders.get(this) ?? grader(this);
    graders.set(this, found);
    found.add(program, text);
  };

  // A small shader with the same uniforms, for the runtime's own program: it compiles immediately.
  /** @param {string} text */
  function stub(text) {
    const uniforms = [...text.matchAll(UNIFORM)].map(([declaration, kind = "", name = ""]) => ({
      declaration,
      kind,
      name,
    }));
    /** @type {Record<string, (name: string) => string>} */
    const value = { float: (name) => name, sampler2D: (name) => `texture2D(${name}, vec2(0.0)).x` };
    const sum = uniforms.map(({ kind, name }) => (value[kind] ?? ((vector) => `${vector}.x`))(name)).join(" + ");
    return `precision highp float;\n${uniforms.map((one) => one.declaration).join("\n")}\nvoid main() { gl_FragColor = vec4(${sum || "0.0"}); }`;
  }

  // Replaces the functions of one context that draw with the runtime's shader. Other programs are drawn as before.
  /** @param {WebGLRenderingContext} gl */
  function grader(gl) {
    // Methods are called and replaced by name.
    const methods = /** @type {Record<string, (...values: any[]) => any>} */ (/** @type {unknown} */ (prototype));
    const own = /** @type {typeof methods} */ (/** @type {unknown} */ (gl));
    /** @type {(name: string, ...values: unknown[]) => any} */
    const call = (name, ...values) => methods[name]?.call(gl, ...values);
    /** @type {typeof methods} */
    const setters = {};
    for (const name in prototype) {
      const setter = /^uniform[1-4]/.test(name) && methods[name];
      if (setter) setters[name] = setter;
    }
    const { useProgram, getUniformLocation, drawArrays } = /** @type {WebGLRenderingContext} */ (prototype);
    /** @type {Map<WebGLProgram | null, RuntimeProgram>} */
    const programs = new Map(); // of the runtime, with the uniforms that it set
    /** @type {WeakMap<WebGLUniformLocation, string>} */
    const names = new WeakMap(); // names of uniforms, by location
    /** @type {Map<string, Specialised | null>} */
    const shaders = new Map(); // specialised shaders, by the names of the uniforms that are zero; null: cannot be linked
    /** @type {WebGLProgram | null} */
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
      own[name] = (location, ...values) => {
        set.call(gl, location, ...values);
        const uniform = location && names.get(location);
        if (uniform)
          programs.get(current)?.uniforms.set(uniform, [name, values.map((value) => value?.slice?.() ?? value)]);
      };
    }
    gl.drawArrays = (...values) => {
      const graded = programs.get(current);
      const shader = graded && shaderFor(graded, /** @type {WebGLProgram} */ (current));
      if (!shader) return drawArrays.call(gl, ...values);
      useProgram.call(gl, shader.program);
      for (const [name, [setter, value]] of graded.uniforms) {
        if (!shader.locations.has(name)) shader.locations.set(name, getUniformLocation.call(gl, shader.program, name));
        const location = shader.locations.get(name);
        if (location) setters[setter]?.call(gl, location, ...value);
      }
      drawArrays.call(gl, ...values);
      useProgram.call(gl, current);
    };

    // The best shader for the current values of the uniforms.
    /** @type {(graded: RuntimeProgram, program: WebGLProgram) => Specialised | null} */
    function shaderFor(graded, program) {
      const zero = [...graded.uniforms]
        .filter(
          ([name, [setter, value]]) =>
            /^uniform[1-4]f$/.test(setter) && value.every((part) => part === 0) && !KEPT.test(name),
        )
        .map(([name]) => name)
        .sort();
      const exact = shaders.has(zero.join()) || shaders.size < MAX_SHADERS ? shaderOf(program, zero) : null;
      // A shader with fewer constants than possible draws the same, but slower.
      const isZero = new Set(zero);
      return (
        exact ??
        [...shaders.values()].find((shader) => shader?.zero.every((name) => isZero.has(name))) ??
        shaderOf(program, [])
      );
    }

    /** @type {(program: WebGLProgram, zero: string[]) => Specialised | null} */
    function shaderOf(program, zero) {
      const key = zero.join();
      const known = shaders.get(key);
      if (known !== undefined) return known;
      const specialised = specialise(program, zero);
      shaders.set(key, specialised);
      return specialised;
    }

    // Compiles the runtime's shader with the uniforms of `zero` as constants.
    /** @type {(program: WebGLProgram, zero: string[]) => Specialised | null} */
    function specialise(program, zero) {
      const [vertex] = call("getAttachedShaders", program).filter(
        (/** @type {WebGLShader} */ shader) => call("getShaderParameter", shader, gl.SHADER_TYPE) === gl.VERTEX_SHADER,
      );
      const original = /** @type {RuntimeProgram} */ (programs.get(program)).text;
      const text = original.replace(UNIFORM, (whole, kind, name) =>
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
      return call("getProgramParameter", result, gl.LINK_STATUS)
        ? { program: result, zero, locations: new Map() }
        : null;
    }

    /** @type {(type: number, text: string | null) => WebGLShader} */
    function compiled(type, text) {
      const shader = call("createShader", type);
      call("shaderSource", shader, text);
      call("compileShader", shader);
      return shader;
    }

    /** @type {(program: WebGLProgram, text: string) => void} */
    function add(program, text) {
      programs.set(program, { text, uniforms: new Map() });
      attachShader.call(gl, program, compiled(gl.FRAGMENT_SHADER, stub(text)));
    }

    return { add };
  }
})();

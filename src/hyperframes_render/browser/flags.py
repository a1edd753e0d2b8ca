"""The switches that Chromium is started with, each with its reason."""

from __future__ import annotations

#: Wide tiles mean fewer raster tasks: 47 -> 42 ms for a 1080p frame that moves everywhere
#: (docs/reference/performance.md).
TILE_HEIGHT = 272

_REASONS: dict[str, str] = {
    # The frame clock: nothing is drawn until a BeginFrame asks for it, and then all of it.
    "--deterministic-mode": "a frame is drawn as a function of its BeginFrame, not of the wall clock",
    "--enable-begin-frame-control": "frames are drawn on request (HeadlessExperimental.beginFrame)",
    "--run-all-compositor-stages-before-draw": "BeginFrame answers after the frame is really drawn",
    "--disable-new-content-rendering-timeout": "no frame is dropped because drawing it took long",
    "--disable-threaded-animation": "animations advance with the frame, not on the compositor's thread",
    "--disable-threaded-scrolling": "the same for scrolling",
    "--disable-checker-imaging": "images are decoded before the frame is drawn, not after",
    "--disable-image-animation-resync": "animated images keep to the frame clock",
    "--enable-surface-synchronization": "a frame has all its surfaces from the same moment",
    # Rendering.
    "--disable-gpu": "software compositing: 74 ms against 497 ms a frame for GL on a software rasteriser",
    "--font-render-hinting=none": "glyphs have the same shape at every size, as in the official renderer",
    "--force-color-profile=srgb": "colours do not depend on a monitor profile",
    "--enable-features=CanvasDrawElement": "HTML drawn into canvases (drawElementImage), as in the official renderer",
    "--hide-scrollbars": "a page that overflows shows no scrollbar",
    # Machines without a desktop: containers, Lambda.
    "--no-sandbox": "no user namespaces in Lambda and most containers; sandbox/ stands in (docs/reference/security.md)",
    "--no-zygote": "children are started directly: fewer processes, and 'cannot communicate with zygote' cannot happen",
    "--disable-dev-shm-usage": "/dev/shm is absent in Lambda and small in containers",
    "--disable-breakpad": "no crash reporter process that nobody reaps",
    "--disable-crash-reporter": "the same",
    # Quiet: a renderer has no user, no updates, no telemetry and no network of its own.
    "--no-first-run": "no first-run work",
    "--no-pings": "no hyperlink auditing requests",
    "--disable-background-networking": "no requests that the page did not make",
    "--disable-component-update": "no update checks",
    "--disable-domain-reliability": "no reports to anybody",
    "--disable-sync": "no account",
    "--disable-default-apps": "nothing to install",
    "--disable-extensions": "no extensions",
    "--mute-audio": "sound is mixed separately",
    "--disable-hang-monitor": "our own watchdog decides, and names the frame",
    "--disable-background-timer-throttling": "a page without focus must not be slowed down",
    "--disable-renderer-backgrounding": "the same",
    "--disable-backgrounding-occluded-windows": "the same",
    # 1 is "none" in Blink's HoverType and PointerType (third_party/blink/public/mojom/css/preferred_... enums).
    "--blink-settings=primaryHoverType=1,availableHoverTypes=1,primaryPointerType=1,availablePointerTypes=1": (
        "a video has no pointer: (hover: hover) and (pointer: fine) do not match"
    ),
    "--autoplay-policy=no-user-gesture-required": "nobody is there to click",
    # One process for all frames of the page: fewer processes, and every frame is on the same clock.
    "--disable-features=IsolateOrigins,site-per-process,Translate,BackForwardCache,PaintHolding,MediaRouter,"
    "OptimizationHints": "no extra processes, prompts, caches or lookups",
    # No way out but the interceptor: requests that interception does not see fail at a proxy that does not exist.
    "--proxy-server=http://127.0.0.1:9": "port 9 (discard) refuses: what escapes interception cannot connect",
    "--proxy-bypass-list=<-loopback>": "loopback is not exempt from that",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp": "WebRTC has no way around the proxy",
    "--disable-quic": "no UDP transport",
    "--dns-prefetch-disable": "no lookups for links",
}


def chromium_flags(width: int, height: int, scale_factor: float = 1) -> list[str]:
    """Switches for a page of `width` by `height` CSS pixels, `scale_factor` device pixels each."""
    return [
        *_REASONS,
        f"--window-size={width},{height}",
        f"--force-device-scale-factor={scale_factor:g}",
        f"--default-tile-width={round(width * scale_factor)}",
        f"--default-tile-height={TILE_HEIGHT}",
    ]

for (const box of document.querySelectorAll(".box")) box.style.width = `${window.CONFIG.width}px`;

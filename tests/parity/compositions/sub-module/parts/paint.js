let painted = 0;
export const paint = (tint) => { document.querySelectorAll(".box")[painted++].style.background = tint; };

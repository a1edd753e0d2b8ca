// the video

function f( {

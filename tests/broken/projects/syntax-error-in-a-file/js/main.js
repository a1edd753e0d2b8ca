// the film

function f( {

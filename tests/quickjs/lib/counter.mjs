export let count = 0;
export function up() { count++; }
export class Point { constructor(x, y) { this.x = x; this.y = y; } get length() { return Math.sqrt(this.x ** 2 + this.y ** 2); } }
export default n => n * n;

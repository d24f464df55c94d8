// Project a point on the unit disc, in the Euclidean norm and in the norm of a matrix H.
const plane = new Plane("The disc, the point, and its two projections", "plane", 2.2);

const ratio = slider("ratio", "Eigenvalues of H: 1 and", {
  min: 0, max: 2, step: 0.05, value: 1, meaning: (position) => 10 ** position, change: draw,
});
const angle = slider("angle", "Direction of the large one, degrees", { min: 0, max: 180, step: 5, value: 30, change: draw });
const across = slider("across", "Point, first coordinate", { min: -2, max: 2, step: 0.05, value: 1.5, change: draw });
const up = slider("up", "Point, second coordinate", { min: -2, max: 2, step: 0.05, value: 1.2, change: draw });
plane.onTap(([x, y]) => {
  across.set(Math.max(-2, Math.min(2, x)));
  up.set(Math.max(-2, Math.min(2, y)));
  draw();
});

function draw() {
  const turn = (angle.value * Math.PI) / 180;
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  const large = ratio.value;
  const matrix = [large * c * c + s * s, (large - 1) * c * s, large * s * s + c * c];
  const point = [across.value, up.value];
  const plain = onDisc(point);
  const fitted = closestOnDisc(matrix, point);
  const distance = (x) => {
    const [u, v] = plus(point, x, -1);
    return Math.sqrt(Math.max(0, matrix[0] * u * u + 2 * matrix[1] * u * v + matrix[2] * v * v));
  };
  plane.clear();
  plane.circle(1, "edge");
  // All points as far from the point as its projection is, in each norm: they touch the disc.
  plane.ellipse([1, 0, 1], norm(plus(point, plain, -1)), point, "gray dots");
  plane.ellipse(spectral(matrix, (value) => value ** -0.5), distance(fitted), point, "blue dash");
  plane.line([point, plain], "gray");
  plane.line([point, fitted], "blue");
  plane.point(point, "solid-ink", 6);
  plane.point(plain, "solid-gray", 6);
  plane.point(fitted, "solid-blue", 6);
  plane.label(point, "point");
  const above = fitted[1] > plain[1];
  plane.label(plain, "Euclidean", -10, above ? 20 : -8);
  plane.label(fitted, "in the norm of H", plain[0] < -0.5 ? -10 : 10, above ? -10 : 22);
  numbers.show("plain", "Euclidean projection", plain);
  numbers.show("fitted", "Projection in the norm of H", fitted);
  numbers.show("plain_distance", "H-distance of the Euclidean one", distance(plain));
  numbers.show("fitted_distance", "H-distance of the other", distance(fitted));
  const apart = norm(plus(plain, fitted, -1));
  say(apart < 1e-9 ? "Both projections are the same point." : `The two projections are ${short(apart, 3)} apart.`);
}
draw();

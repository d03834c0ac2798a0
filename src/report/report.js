const below = (distances, threshold) => {
  let low = 0, high = distances.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (distances[middle] < threshold) low = middle + 1; else high = middle;
  }
  return low;
};
for (const slider of document.querySelectorAll(".slider")) {
  const { positive, negative } = sets[slider.dataset.set];
  const input = slider.querySelector("input");
  input.addEventListener("input", () => {
    const threshold = Number(input.value);
    const accepted = below(positive, threshold), wrong = below(negative, threshold);
    const percent = (part, whole) => (100 * part / Math.max(whole, 1)).toFixed(3) + " %";
    slider.querySelector("output").textContent = threshold.toFixed(4)
      + ": accuracy " + percent(accepted + negative.length - wrong, positive.length + negative.length)
      + ", FAR " + percent(wrong, negative.length)
      + ", FRR " + percent(positive.length - accepted, positive.length)
      + ", " + wrong + " false accepts, " + (positive.length - accepted) + " false rejects";
  });
}

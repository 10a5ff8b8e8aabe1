// Gives the password; the server answers with the session's cookie, and the page that was asked for follows.

const form = document.querySelector("form");
const told = document.querySelector("#told");
const button = document.querySelector("button");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  told.textContent = "";
  try {
    const response = await fetch("/api/v1/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ password: form.password.value }),
    });
    if (response.ok) {
      location.reload();
      return;
    }
    const { detail } = await response.json();
    told.textContent = `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`;
    form.password.select();
  } catch {
    told.textContent = "The server does not answer.";
  }
  button.disabled = false;
});

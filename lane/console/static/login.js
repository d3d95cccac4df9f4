import { byId, request, say } from "./common.js";

byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await request("/api/login", { name: byId("name").value, password: byId("password").value });
    location.href = "/lane";
  } catch (error) { say(error.message, true); }
});

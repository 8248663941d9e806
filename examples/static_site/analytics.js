// Stands for some analytics script: it sets a cookie of its own as soon as it runs.
document.cookie = "_ga=GA1.1.example; Path=/; SameSite=Lax; Max-Age=3600";

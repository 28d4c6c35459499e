"""Locust: a list is read, one of its films taken at random and rated. Its quicker client."""

import random

from locust import FastHttpUser, constant, task


class Person(FastHttpUser):
    wait_time = constant(0)

    @task
    def step(self):
        user = random.randint(1, 1000000)
        url = f"/recommendations/?user_id={user}&n=10"
        with self.client.get(url, name="list", catch_response=True) as answer:
            shown = answer.json()
        film = random.choice(shown["recommendations"])
        self.client.post(
            "/ratings/",
            name="rating",
            json={
                "user_id": user,
                "movie_id": film["movie_id"],
                "rating": random.randint(1, 10) / 2,
                "request_id": shown["request_id"],
            },
        )

// k6: a list is read, one of its films taken at random and rated.
import http from 'k6/http';

export const options = {
    vus: Number(__ENV.CONNECTIONS),
    duration: __ENV.DURATION,
    discardResponseBodies: false,
    noConnectionReuse: false,
};

const json = { headers: { 'Content-Type': 'application/json' } };

export default function () {
    const user = 1 + Math.floor(Math.random() * 1000000);
    const list = http.get(`${__ENV.TARGET}/recommendations/?user_id=${user}&n=10`, {
        tags: { name: 'list' },
    }).json();
    const films = list.recommendations;
    const film = films[Math.floor(Math.random() * films.length)];
    const rating = {
        user_id: user,
        movie_id: film.movie_id,
        rating: (1 + Math.floor(Math.random() * 10)) / 2,
        request_id: list.request_id,
    };
    http.post(`${__ENV.TARGET}/ratings/`, JSON.stringify(rating), json);
}
